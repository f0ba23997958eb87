"""Writes the benchmark's results as Markdown, for a README."""

from __future__ import annotations

from typing import Any

from pycnn.bench.goals import outcomes
from pycnn.bench.report import heading, time_text

__all__ = ["markdown"]

Results = dict[str, Any]


def markdown(results: Results) -> str:
    """What `suite.run` returned: where the figures come from, then one table for each kind of them.

    Behind each figure of another library is how many times as long it takes as pycnn.
    """
    lines = [f"`{results['machine']['command']}` ({results['machine']['date'][:10]})  "]
    lines += [f"{line}  " for line in heading(results)]
    others = [name for name in results["systems"] if name != "pycnn"]
    if results["networks"]:
        lines += ["", f"Images a second, medians of {results['passes']} passes by turns:", ""]
        rows = [_network_row(row, others) for row in results["networks"]]
        lines += _table(["", "pycnn", *others], rows)
    if results["applications"]:
        lines += [
            "",
            f"Networks for ImageNet, images a second, medians of {results['passes']} passes by turns:",
            "",
        ]
        rows = [_network_row(row, others) for row in results["applications"]]
        lines += _table(["", "pycnn", *others], rows)
        lines += ["", "Their peak of memory beyond imports, MB:", ""]
        rows = [_memory_row(row, others) for row in results["applications"]]
        lines += _table(["", "pycnn", *others], rows)
    if results["kernels"]:
        rows = [_kernel_row(row, others) for row in results["kernels"]]
        lines += ["", "Single operations:", "", *_table(["", "pycnn", *others], rows)]
    if reached := outcomes(results):
        rows = [
            [each.what, each.measured, each.goal, "reached" if each.met else "**missed**"] for each in reached
        ]
        lines += ["", *_table(["", "measured", "goal", ""], rows)]
    if results["missing"]:
        lines += ["", "Not measured: " + ", ".join(results["missing"]) + "."]
    return "\n".join(lines) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]


def _compared(row: Results, name: str, text: str) -> str:
    if name not in row["seconds"]:
        return ""
    if name in row["differs"]:
        return "(computes something else)"
    ratio = row["seconds"][name] / row["seconds"]["pycnn"]
    return f"{text} ({ratio:.{0 if ratio >= 10 else 1}f}x)"


def _network_row(row: Results, others: list[str]) -> list[str]:
    rates = {name: f"{row['batch'] / seconds:,.0f}" for name, seconds in row["seconds"].items()}
    return [row["name"], rates["pycnn"], *(_compared(row, name, rates.get(name, "")) for name in others)]


def _memory_row(row: Results, others: list[str]) -> list[str]:
    megabytes = {name: f"{peak / 1e6:,.0f}" for name, peak in row["memory"].items()}
    return [row["name"], megabytes["pycnn"], *(megabytes.get(name, "") for name in others)]


def _kernel_row(row: Results, others: list[str]) -> list[str]:
    times = {name: time_text(seconds) for name, seconds in row["seconds"].items()}
    return [row["name"], times["pycnn"], *(_compared(row, name, times.get(name, "")) for name in others)]
