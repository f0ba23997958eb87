"""Prints the benchmark's results as tables."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from pycnn.bench.goals import Outcome, outcomes
from pycnn.bench.workers import NO_ISA_SWITCH

__all__ = ["heading", "print_results", "time_text"]

Results = dict[str, Any]

_BUSY = 1.0  # processes that ran at the start, by the load average


def print_results(results: Results, console: Console) -> None:
    """Prints what `suite.run` returned."""
    peak = results.get("fma_peak_gflops")
    console.print()
    for line in heading(results):
        console.print(line)
    for name, reason in results["missing"].items():
        console.print(f"not measured: {name} ({reason})", style="yellow")
    if results["kernels"]:
        console.print(_kernels(results, peak))
    if results["networks"]:
        console.print(_networks(results, peak))
    if results["applications"]:
        console.print(_networks(results, peak, "applications", "Networks for ImageNet, images/s"))
        console.print(_memory(results))
    if results["measures"]:
        console.print(_measures(results["measures"]))
    if reached := outcomes(results):
        console.print(_goals(reached))
    rows = [*results["kernels"], *results["networks"], *results["applications"]]
    if any(row["differs"] for row in rows):
        console.print("[red]![/]  computed something else than pycnn: no comparison")
    if rows:
        console.print(
            f"Medians of {results['passes']} passes, by turns. 2.00x: takes twice as long as pycnn."
        )
        console.print(
            "GFLOP/s count the operations of the direct method: a faster algorithm can exceed the peak.",
            style="dim",
        )


def heading(results: Results) -> list[str]:
    """Where the figures come from: machine, threads, versions, and what may spoil them."""
    machine, isa = results["machine"], results.get("isa") or results["machine"]["pycnn"]["isa_active"]
    lines = [f"{machine['cpu']}, {results['threads']} threads, {isa}"]
    versions = [f"{name} {version}" for name, version in results["systems"].items()]
    lines.append("; ".join([machine["system"], f"Python {machine['python']}", *versions]))
    if results.get("fma_peak_gflops"):
        lines.append(f"measured peak of fused multiply-adds: {results['fma_peak_gflops']:.0f} GFLOP/s")
    free = [name for name in results["systems"] if name.partition(".")[0] in NO_ISA_SWITCH]
    if results.get("isa") and free:
        lines.append(f"cannot be told to keep to {results['isa']}: {', '.join(free)}")
    if machine["load_average"] and machine["load_average"][0] > _BUSY:
        load = machine["load_average"][0]
        lines.append(f"the machine was busy with other work (load {load}): the figures may be off")
    return lines


def time_text(seconds: float) -> str:
    """A time with three digits and a unit that fits.

    Example:
        >>> time_text(0.0123), time_text(0.000012)
        ('12.3 ms', '12.0 us')
    """
    for scale, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * scale >= 1 or unit == "us":
            value = seconds * scale
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    raise AssertionError


def _others(results: Results) -> list[str]:
    return [name for name in results["systems"] if name != "pycnn"]


def _rate(row: Results, peak: float | None) -> list[str]:
    """GFLOP/s and the share of the peak."""
    if not row["flops"]:
        return ["", ""]
    rate = row["flops"] / row["seconds"]["pycnn"] / 1e9
    return [f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}", f"{rate / peak:.0%}" if peak else ""]


def _comparison(row: Results, name: str, text: str) -> str:
    """The other system's figure, and how many times longer it takes."""
    ratio = row["seconds"][name] / row["seconds"]["pycnn"]
    style = "green" if ratio >= 1 else "red"
    mark = " [red]![/]" if name in row["differs"] else ""
    return f"{text} [{style}]{ratio:5.{1 if ratio >= 10 else 2}f}x[/]{mark}"


def _table(results: Results, title: str, *columns: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for i, column in enumerate((*columns, "GFLOP/s", "of peak", *_others(results))):
        table.add_column(column, justify="left" if i == 0 else "right", no_wrap=i > 0)
    return table


def _kernels(results: Results, peak: float | None) -> Table:
    table = _table(results, "\nOperations (pycnn.ops)", "", "pycnn")
    for row in results["kernels"]:
        seconds = row["seconds"]
        cells = [
            _comparison(row, name, time_text(seconds[name])) if name in seconds else "-"
            for name in _others(results)
        ]
        table.add_row(row["name"], time_text(seconds["pycnn"]), *_rate(row, peak), *cells)
    return table


def _memory(results: Results) -> Table:
    """The peak of memory beyond imports, and how far probabilities are from pycnn's."""
    table = Table(
        title="\nPeak of memory beyond imports, MB; largest difference of probabilities from pycnn's",
        title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False,
    )  # fmt: skip
    others = [name for name in _others(results) if name != "numpy"]
    for i, column in enumerate(("", "pycnn", *others)):
        table.add_column(column, justify="left" if i == 0 else "right", no_wrap=i > 0)
    for row in results["applications"]:
        memory, apart = row["memory"], row["largest_difference"]
        cells = [
            f"{memory[name] / 1e6:,.0f}; {apart[name]:.0e}" if name in memory else "-" for name in others
        ]
        table.add_row(row["name"], f"{memory['pycnn'] / 1e6:,.0f}", *cells)
    return table


def _networks(
    results: Results, peak: float | None, section: str = "networks", title: str = "Networks, images/s"
) -> Table:
    table = _table(results, f"\n{title}", "", "us/call", "pycnn")
    for row in results[section]:
        seconds = row["seconds"]
        rates = {name: f"{row['batch'] / value:,.0f}" for name, value in seconds.items()}
        cells = [_comparison(row, name, rates[name]) if name in seconds else "-" for name in _others(results)]
        microseconds = f"{seconds['pycnn'] * 1e6:,.1f}"
        table.add_row(row["name"], microseconds, rates["pycnn"], *_rate(row, peak), *cells)
    return table


def _goals(reached: list[Outcome]) -> Table:
    table = Table(
        title="\nGoals",
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=None,
        pad_edge=False,
    )
    for column in ("", "measured", "goal", ""):
        table.add_column(column)
    for outcome in reached:
        mark = "[green]reached[/]" if outcome.met else "[red]missed[/]"
        table.add_row(outcome.what, outcome.measured, outcome.goal, mark)
    return table


def _measures(measures: Results) -> Table:
    table = Table(
        title="\npycnn alone", title_justify="left", title_style="bold", show_header=False, box=None
    )
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for line in _measure_lines(measures):
        table.add_row(*line)
    return table


def _measure_lines(measures: Results) -> list[tuple[str, str, str]]:
    lines = []
    if "import time" in measures:
        lines.append(("import pycnn", time_text(measures["import time"]["seconds"]), "beyond import numpy"))
    if "latency" in measures:
        figures = measures["latency"]
        prepared = figures["prepared"]
        lines.append(("one image, prepared call", time_text(prepared), "model.compile_inference"))
        for name in ("predict_on_batch", "predict"):
            added = f"{time_text(figures[name] - prepared)} more"
            lines.append((f"one image, model.{name}", time_text(figures[name]), added))
    for name, figures in measures.get("threads", {}).items():
        (one, seconds), *more = figures.items()
        for threads, value in more:
            lines.append((f"{name}, {threads} threads", f"{seconds / value:.2f}x", f"as fast as {one}"))
    for kind, figures in measures.get("cost per image", {}).items():
        spread = max(figures.values()) / min(figures.values()) - 1
        costs = ", ".join(f"{batch}: {time_text(value)}" for batch, value in figures.items())
        lines.append((f"{kind}, cost of an image by batch", f"+{spread:.0%}", costs))
    if "memory" in measures:
        figures = measures["memory"]
        note = f"of it {figures['import'] / 1e6:.0f} MB by importing pycnn"
        lines.append(("memory of training, batch 128", f"{figures['training'] / 1e6:.0f} MB", note))
    for name in (name for name in measures if name.startswith("recipe")):
        figures = measures[name]
        note = ", ".join(f"{run['accuracy']:.2%} in {run['seconds']:.1f} s" for run in figures["runs"])
        text = f"{figures['accuracy']:.2%} in {figures['seconds']:.1f} s"
        lines.append((f"Fashion-MNIST, {name}, from process start", text, f"mean of seeds: {note}"))
    return lines
