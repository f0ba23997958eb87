"""A kernel over a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import filters
from pycnn.explain import samples, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_CELLS = 7
_FRAME_SEEN = 64  # pixels along a side; in larger pictures a frame of some pixels is hard to find


def kernel(picture: Any = None, kernel: Any = "outline", position: tuple[int, int] | None = None) -> Figure:
    """Draws what a kernel does to a picture, and one block of pixels with its products and their sum.

    Args:
        picture: a path, uint8 (h, w) or (h, w, 3), or None for one of Fashion-MNIST; it is made grey.
        kernel: what `filters.get` takes, at most 7 x 7.
        position: (row, column) of the block's first pixel; None for where the sum is largest.

    Returns:
        The figure: picture, result, pixels, kernel, products.

    Raises:
        ValueError: an unknown or too large kernel, a position outside, no picture.
        ImportError: matplotlib is missing.

    Example:
        >>> from pycnn import explain
        >>> len(explain.kernel(kernel="emboss").subfigs[1].axes)
        3
    """
    pixels = samples.picture_of(picture)
    weights = filters.get(kernel)
    (h, w), (kh, kw) = pixels.shape, weights.shape
    if max(kh, kw) > _MOST_CELLS or kh > h or kw > w:
        raise ValueError(f"kernel has shape {(kh, kw)}; expected at most 7 x 7 and the picture's {h} x {w}")
    y = filters.apply(pixels, weights, padding="valid", dtype="float32")
    row, column = np.unravel_index(y.argmax(), y.shape) if position is None else position
    if not (0 <= row < y.shape[0] and 0 <= column < y.shape[1]):
        raise ValueError(f"position is {position!r}; expected from (0, 0) to below {y.shape}")
    row, column = int(row), int(column)
    block = pixels[row : row + kh, column : column + kw]
    products = block * weights

    title = f"The kernel '{kernel}'" if isinstance(kernel, str) else "A kernel"
    figure = style.new_figure(9.5, 8, f"{title} over a picture")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.35, 1))
    left, right = parts[0].subplots(1, 2)
    style.show_picture(left, pixels, f"picture, {h} x {w} pixels")
    style.mark(left, row, column, kh, kw)
    style.show_picture(
        right, np.clip(y, 0, 255), f"result, {y.shape[0]} x {y.shape[1]}, cut off at 0 and 255"
    )
    style.mark(right, row, column, 1, 1)
    if max(h, w) > _FRAME_SEEN:
        style.circle(left, row + (kh - 1) / 2, column + (kw - 1) / 2)
        style.circle(right, row, column)
    grids = parts[1].subplots(1, 3)
    style.show_numbers(grids[0], block, f"pixels from row {row}, column {column}", style.PALE)
    style.show_numbers(grids[1], weights, "\u00d7 kernel")
    style.show_numbers(grids[2], products, f"= products; their sum is {style.number(products.sum())}")
    return figure
