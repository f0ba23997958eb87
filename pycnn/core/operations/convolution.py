"""Convolutions of images (h, w, c) as nodes of the core's graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn.core.operations.nodes import mapped, reshaped, strides_of, viewed
from pycnn.core.padding import window_padding
from pycnn.core.trimming import live_axes

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value
    from pycnn.core.padding import Padding

    Pair = tuple[int, int]


def convolved(
    x: Value,
    kernel: Value,
    bias: Value | None = None,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
    groups: int = 1,
    padding_value: float = 0.0,
    precision: str = "float32",
) -> Value:
    """The convolution of images with a kernel (kh, kw, c / groups, filters)."""
    h, w = x.sample[:2]
    kh, kw = kernel.sample[:2]
    sides = window_padding(padding, (h, w), (kh, kw), strides, dilation)

    live = None if padding_value else live_axes((h, w), (kh, kw), strides, dilation, sides)
    margin = None
    if live is not None:
        rows, columns = live
        x = _part(x, rows.pixels, columns.pixels)
        kernel = _part(kernel, (*rows.taps, 1), (*columns.taps, 1))
        strides, dilation = (rows.stride, columns.stride), (rows.dilation, columns.dilation)
        sides, margin = rows.padding + columns.padding, rows.zeros + columns.zeros
    y = x.then(
        x.graph.conv2d(
            x.node,
            kernel.node,
            bias.node if bias is not None and margin is None else None,
            strides=strides,
            padding=sides,
            pad_value=padding_value,
            dilation=dilation,
            groups=groups,
            precision=precision,
            name=x.name,
        )
    )
    if margin is None:
        return y
    y = y.then(y.graph.pad2d(y.node, padding=margin, name=y.name))
    return y if bias is None else mapped("add", y, bias)


def _part(x: Value, rows: tuple[int, int, int], columns: tuple[int, int, int]) -> Value:
    """Some rows and columns (begin, end, step) of x, whose first axes they are."""
    down, right, *rest = strides_of(x.sample)
    shape = (len(range(*rows)), len(range(*columns)), *x.sample[2:])
    strides = (down * rows[2], right * columns[2], *rest)
    return viewed(x, shape, strides, rows[0] * down + columns[0] * right)


def depthwise_kernel(kernel: Value) -> Value:
    """Keras' kernel (h, w, c, multiplier) as the core's (h, w, 1, c * multiplier): the same memory."""
    height, width, channels, multiplier = kernel.sample
    return reshaped(kernel, (height, width, 1, channels * multiplier))
