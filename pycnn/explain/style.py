"""What the figures share: matplotlib without a window, colours, grids of numbers, files."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

FORMATS = ("png", "svg", "pdf")
# Okabe and Ito, Color Universal Design, 2008: can be told apart with any kind of colour vision.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
GREY, PALE = "#888888", "#D9E8F2"
_FITTING = 30  # letters in the rows of a grid, at its font size
_LONG = 1e7  # from here on with an exponent
DPI = 130


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure, sizes in inches. ImportError where matplotlib is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError("figures need matplotlib: pip install 'pycnn[plot]'")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title, fontsize=14)
    return figure


def check_output(path: str | os.PathLike[str], formats: tuple[str, ...] = FORMATS) -> str:
    """The format that a file's name ends with; an error where none can be written there."""
    target = os.fspath(path)
    ending = os.path.splitext(target)[1].lower().removeprefix(".")
    if ending not in formats:
        raise ValueError(
            f"{target}: the name of the figure must end in {', '.join(f'.{f}' for f in formats)}"
        )
    folder = os.path.dirname(target)
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(f"{target}: there is no folder {folder}")
    return ending


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes a figure to a file, beside its place first.

    Args:
        figure: what a function of `pycnn.explain` returned.
        path: ends in .png, .svg or .pdf.

    Raises:
        ValueError: another ending.
        FileNotFoundError: there is no such folder.
    """
    ending = check_output(path)
    write_beside(path, lambda part: figure.savefig(part, dpi=DPI, format=ending))


def write_beside(path: str | os.PathLike[str], write: Callable[[str], Any]) -> None:
    """Has a file written under another name, which becomes its own when that went well."""
    folder, name = os.path.split(os.fspath(path))
    part = os.path.join(folder, f".{os.getpid()}.part.{name}")
    try:
        write(part)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def show_picture(axes: Axes, pixels: NDArray[Any], title: str, fontsize: float = 11) -> None:
    """A grey or coloured picture, without ticks. Grey ones from their least to their largest value."""
    axes.imshow(pixels, cmap="gray", interpolation="nearest")
    axes.set_title(title, fontsize=fontsize)
    without_ticks(axes)


def without_ticks(axes: Axes) -> None:
    """Removes ticks from both axes."""
    axes.set_xticks([])
    axes.set_yticks([])


def show_numbers(
    axes: Axes, values: NDArray[Any], title: str, colours: NDArray[Any] | str = "white", fontsize: float = 11
) -> None:
    """A grid with its numbers in the cells.

    Args:
        axes: where.
        values: (rows, columns); whole numbers are written as such, others with two decimals.
        title: above.
        colours: of the cells, (rows, columns) or one for all.
        fontsize: of the numbers; less where one would not fit into its cell.
    """
    from matplotlib.patches import Rectangle

    rows, columns = values.shape
    longest = max(len(number(value)) for value in values.flat)
    fontsize = min(fontsize, fontsize * _FITTING / (longest * max(rows, columns)))
    fills = np.broadcast_to(np.asarray(colours, object), values.shape)
    for (row, column), value in np.ndenumerate(values):
        axes.add_patch(
            Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=fills[row, column], edgecolor=GREY)
        )
        axes.text(column, row, number(value), ha="center", va="center", fontsize=fontsize)
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_title(title, fontsize=11)
    without_ticks(axes)


def mark(axes: Axes, row: float, column: float, height: float, width: float, colour: str = ORANGE) -> None:
    """A frame around height x width cells or pixels, from the one at (row, column)."""
    from matplotlib.patches import Rectangle

    corner = column - 0.5, row - 0.5
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=colour, linewidth=2.5, zorder=3))


def circle(axes: Axes, row: float, column: float) -> None:
    """A circle of 30 points around a pixel, however large the picture is."""
    axes.plot(column, row, "o", markersize=30, markeredgewidth=2.5, color=ORANGE, fillstyle="none")


def number(value: Any) -> str:
    """A number, short, with a true minus."""
    value = float(value) + 0.0  # no minus at 0
    if abs(value) >= _LONG:
        text = f"{value:.2e}"
    else:
        text = f"{value:.0f}" if value == round(value) else f"{value:.2f}"
    return text.replace("-", "\u2212")
