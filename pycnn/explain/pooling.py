"""Pooling before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import ops
from pycnn.explain import samples, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = 6
_TINTS = ("#D9E8F2", "#F6E3D0")


def pooling(picture: Any = None) -> Figure:
    """Draws 6 x 6 pixels of a picture, and their maxima and means over windows of 2 x 2.

    Args:
        picture: a path, uint8 (h, w) or (h, w, 3), at least 6 x 6, or None for one of Fashion-MNIST; it is
            made grey. The pixels come from where it varies most.

    Returns:
        The figure: pixels with the largest of each window framed, max-pooling, average pooling.

    Raises:
        ValueError: no picture, or a smaller one.
        ImportError: matplotlib is missing.

    Example:
        >>> from pycnn import explain
        >>> [axes.get_title() for axes in explain.pooling().axes[1:]]
        ['max-pooling', 'average pooling']
    """
    pixels = samples.picture_of(picture)
    if min(pixels.shape) < _SIZE:
        raise ValueError(f"picture has {pixels.shape} pixels; expected at least {_SIZE} x {_SIZE}")
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (_SIZE, _SIZE))
    spread = windows.std(axis=(2, 3))
    top, left = np.unravel_index(spread.argmax(), spread.shape)
    block = windows[top, left]
    x = block[None, :, :, None].astype(np.float32)
    largest, mean = ops.max_pool2d(x, 2)[0, :, :, 0], ops.average_pool2d(x, 2)[0, :, :, 0]

    half = _SIZE // 2
    checks = np.indices((half, half)).sum(axis=0) % 2
    tints = np.take(np.array(_TINTS, object), checks)
    figure = style.new_figure(10.5, 4.4, "Pooling over windows of 2 x 2 pixels, stride 2")
    axes = figure.subplots(1, 3, width_ratios=(2, 1.3, 1.3))
    style.show_numbers(
        axes[0], block, f"pixels from row {top}, column {left}", tints.repeat(2, 0).repeat(2, 1)
    )
    for row, column in np.ndindex(half, half):
        window = block[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        r, c = np.unravel_index(window.argmax(), window.shape)
        style.mark(axes[0], 2 * row + r + 0.05, 2 * column + c + 0.05, 0.9, 0.9)
    axes[0].set_xlabel("framed: the largest of each window, where gradients go", fontsize=10)
    style.show_numbers(axes[1], largest, "max-pooling", tints)
    style.show_numbers(axes[2], mean, "average pooling", tints)
    return figure
