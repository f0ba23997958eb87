"""A profile as a table."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from pycnn.profiling.result import MemoryUse, Profile, ProfileRow

__all__ = ["as_text", "forecast_parts", "parts"]

# The columns, and in which order they give way where the terminal is narrow.
_COLUMNS = ("layer", "phase", "time", "share", "GFLOP/s", "of peak", "MB", "algorithm")
_GIVE_WAY = ("MB", "of peak", "algorithm", "GFLOP/s")
_UNITS = ((1.0, "s"), (1e3, "ms"), (1e6, "us"))


def as_text(profile: Profile, width: int) -> str:
    """The table as plain text."""
    from rich.console import Console

    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False, color_system=None)
    for part in parts(profile, console):
        console.print(part)
    return "\n".join(line.rstrip() for line in file.getvalue().strip("\n").splitlines())


def parts(profile: Profile, console: Console) -> list[RenderableType]:
    """What is printed, one thing below the other, for the width of a console."""
    from rich.measure import Measurement

    columns = list(_COLUMNS)
    table = _table(profile, columns)
    unlimited = console.options.update(width=10_000)
    for name in _GIVE_WAY:
        if Measurement.get(console, unlimited, table).maximum <= console.width:
            break
        columns.remove(name)
        table = _table(profile, columns)
    rate = f"{profile.samples / profile.seconds:,.0f} samples/s"
    head = (
        f"[bold]{_escaped(profile.title())}[/], {profile.isa}{', exact' if profile.exact else ''}",
        f"{_time(profile.seconds)} ({rate}): the mean of the faster half of {profile.runs:,} runs",
        f"[bold]Threads:[/] {profile.threads}, {_escaped(profile.threads_reason)}{_thread_times(profile)}",
    )
    found: list[RenderableType] = [*head, "", table, "", f"[bold]Shares:[/] {_shares(profile)}"]
    if profile.training:
        optimizer = sum(profile.shares.get(phase, 0.0) for phase in ("update", "packing"))
        found.append(f"[bold]The optimizer, update and packing:[/] {optimizer:.1%}")
    found.append(f"[bold]Memory:[/] {_memory(profile.memory)}")
    idle = [name for name, by in profile.fused.items() if not by]
    if idle:
        found.append(f"[bold]Nothing to compute:[/] {_escaped(', '.join(idle))}")
    note = (
        f"GFLOP/s count the operations of the direct method: a faster algorithm can exceed the peak of "
        f"{profile.peak_gflops:,.0f}. MB are an estimate of what is read and written, most of it in caches."
    )
    return [*found, f"[dim]{note}[/]"]


def forecast_parts(profile: Profile, threads: list[int]) -> list[RenderableType]:
    """The forecast for so many threads, likewise."""
    from rich.table import Table

    forecasts = profile.forecast(threads)
    table = Table(header_style="bold", box=None, pad_edge=False)
    for name in ("threads", "time", "samples/s", "speed-up", "idle"):
        table.add_column(name, justify="right")
    for each in forecasts:
        rate = f"{profile.samples / each.seconds:,.0f}"
        table.add_row(
            str(each.threads), _time(each.seconds), rate, f"{each.speedup:.2f} x", f"{each.idle:.0%}"
        )
    note = (
        f"A forecast: the pieces of work that {_threads(profile.threads)} took, dealt out to more. Memory "
        "bandwidth, shared caches and clock rates are left out, so that a real machine is slower. Stages "
        f"that take 1 % and more have at least {forecasts[0].narrowest:,} pieces."
    )
    return ["", "[bold]On more threads[/]", table, "", f"[dim]{note}[/]"]


def _thread_times(profile: Profile) -> str:
    if len(profile.thread_times) < 2:
        return ""
    times = (f"{_time(seconds)} on {threads}" for threads, seconds in profile.thread_times.items())
    return f": {', '.join(times)} in the mean"


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _table(profile: Profile, columns: list[str]) -> Table:
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    for name in columns:
        left = name in ("layer", "phase", "algorithm")
        table.add_column(name, justify="left" if left else "right", no_wrap=name != "layer")
    before = ""
    for row in profile.rows:
        label = profile.label(row.layer) if row.layer != before else ""
        before = row.layer
        cells = {"layer": _escaped(label), **_cells(row)}
        table.add_row(*(cells[name] for name in columns))
    return table


def _shares(profile: Profile) -> str:
    return ", ".join(f"{phase} {share:.1%}" for phase, share in profile.shares.items())


def _memory(memory: MemoryUse) -> str:
    kinds = [f"{kind.replace('_', ' ')} {_mb(size)}" for kind, size in asdict(memory).items() if size]
    return f"{_mb(memory.total)} MB: {', '.join(kinds)}"


def _mb(size: float) -> str:
    return f"{size / 1e6:,.{1 if size >= 1e5 else 3}f}"


def _cells(row: ProfileRow) -> dict[str, str]:
    counted = row.gflops > 0
    return {
        "phase": row.phase,
        "time": _time(row.seconds),
        "share": f"{row.share:.1%}",
        "GFLOP/s": f"{row.gflops:,.{0 if row.gflops >= 10 else 1}f}" if counted else "",
        "of peak": f"{row.of_peak:.0%}" if counted else "",
        "MB": _mb(row.bytes) if row.bytes else "",
        "algorithm": row.algorithm,
    }


def _time(seconds: float) -> str:
    for scale, unit in _UNITS:
        if seconds * scale >= 1 or unit == "us":
            value = seconds * scale
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    raise AssertionError


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
