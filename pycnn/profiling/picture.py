"""A profile as a picture, by matplotlib without a window and without its global state."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pycnn.profiling.result import PHASES

if TYPE_CHECKING:
    from pycnn.profiling.result import Profile

__all__ = ["check", "draw"]

_FORMATS = ("png", "svg", "pdf")

_COLOURS = {
    "forward": "#1f77b4",
    "backward": "#e07b00",
    "update": "#2a9d4b",
    "packing": "#8a5fbf",
    "waiting": "#c9c9c9",
}
_TOLD = 0.02  # shares from here on are written beside the bar


def check(path: str | os.PathLike[str]) -> str:
    """The format that a file's name ends with, where a picture can be drawn into it; see Profile.plot."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError("the picture needs matplotlib: pip install 'pycnn[plot]'")
    path = Path(path)
    ending = path.suffix.lower().removeprefix(".")
    if ending not in _FORMATS:
        raise ValueError(f"{path}: the name of a picture must end in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}")
    return ending


def draw(profile: Profile, path: str | os.PathLike[str]) -> None:
    """Draws a bar for each layer, its phases in colours; see Profile.plot."""
    ending = check(path)
    from matplotlib.figure import Figure

    scale, unit = (1e3, "ms") if profile.seconds >= 1e-3 else (1e6, "us")
    layers = list(dict.fromkeys(row.layer for row in profile.rows))
    figure = Figure(figsize=(9, 1.8 + 0.34 * len(layers)), layout="constrained")
    axes = figure.add_subplot()
    ends = dict.fromkeys(layers, 0.0)
    for phase in PHASES:
        rows = [row for row in profile.rows if row.phase == phase]
        if not rows:
            continue
        label = f"{phase} {sum(row.share for row in rows):.1%}"
        for row in rows:
            place, width = layers.index(row.layer), row.seconds * scale
            axes.barh(
                place, width, 0.72, ends[row.layer], color=_COLOURS[phase], label=label, edgecolor="white",
                linewidth=0.4,
            )  # fmt: skip
            label = "_"  # matplotlib's word for: not in the legend
            ends[row.layer] += width
    total = profile.seconds * scale
    for place, layer in enumerate(layers):
        if ends[layer] / total >= _TOLD:
            axes.annotate(
                f"{ends[layer] / total:.0%}", (ends[layer], place), (4, 0), textcoords="offset points",
                va="center", fontsize=9,
            )  # fmt: skip
    axes.set_yticks(range(len(layers)), [profile.label(layer) or "waiting" for layer in layers], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08 * max(ends.values()))
    axes.set_xlabel(f"{unit} of {total:.3g} {unit}")
    axes.set_title(f"{profile.title()}, {profile.isa}", fontsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(frameon=False, loc="outside lower center", ncols=len(PHASES), fontsize=9)
    path = Path(path)
    part = path.with_name(f".{path.name}.part")
    try:
        figure.savefig(part, dpi=110, format=ending)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
