"""Padding and stride."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import filters
from pycnn.core.arguments import as_number
from pycnn.explain import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = 5
_CASES = (("valid", 1), ("same", 1), ("same", 2))


def padding(fill_value: float = 0) -> Figure:
    """Draws a 3 x 3 kernel of ones over 5 x 5 pixels: without padding, with padding, and with a stride of 2.

    Args:
        fill_value: of the pixels around.

    Returns:
        The figure, a row for each case: the padded grid with the first two windows, and the sums.

    Raises:
        TypeError, ValueError: fill_value is no finite number.
        ImportError: matplotlib is missing.

    Example:
        >>> from pycnn import explain
        >>> len(explain.padding(fill_value=1).subfigs)
        3
    """
    fill = as_number("fill_value", fill_value)
    pixels = (np.arange(_SIZE * _SIZE).reshape(_SIZE, _SIZE) * 7) % 10
    figure = style.new_figure(8.5, 12, "Sums of 3 x 3 windows: padding and stride")
    lines: Any = figure.subfigures(len(_CASES), 1)
    for (kind, stride), line in zip(_CASES, lines, strict=True):
        around = 1 if kind == "same" else 0
        grid = np.pad(pixels.astype(float), around, constant_values=fill)
        inside = np.pad(np.ones_like(pixels), around)
        sums = filters.apply(pixels, np.ones((3, 3)), stride, kind, fill_value=fill)
        left, right = line.subplots(1, 2)
        colours = np.where(inside == 1, style.PALE, "#F3DDBB")
        added = f", {style.number(fill)} around" if around else ""
        style.show_numbers(left, grid, f"padding '{kind}'{added}, stride {stride}", colours)
        style.mark(left, 0, 0, 3, 3)
        style.mark(left, 0.07, stride + 0.07, 2.86, 2.86, style.BLUE)
        size = f"({_SIZE} + {2 * around} \u2212 3) // {stride} + 1 = {len(sums)}"
        style.show_numbers(right, sums, f"output, {size} rows")
        # Smaller, so that the two frames do not lie on each other.
        style.mark(right, 0.04, 0.04, 0.92, 0.92)
        style.mark(right, 0.04, 1.04, 0.92, 0.92, style.BLUE)
    return figure
