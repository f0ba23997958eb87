"""Convolutions with padding, strides or dilation beyond the image, without what only ever sees padding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Live(NamedTuple):
    """One axis of a convolution that pads with zeros, cut down to what can be other than zero.

    Args:
        pixels: of the input that some window sees: (begin, end, step).
        taps: of the kernel that see some pixel.
        zeros: outputs (before, after) the others, whose windows see no pixel.
        padding: (before, after), for a convolution of these pixels with these taps, which gives the others.
        stride: of that convolution.
        dilation: of that convolution.
    """

    pixels: tuple[int, int, int]
    taps: tuple[int, int]
    zeros: tuple[int, int]
    padding: tuple[int, int]
    stride: int
    dilation: int


def live_axes(
    size: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: tuple[int, int, int, int],
) -> tuple[Live, Live] | None:
    """Both axes of a convolution; None where it is best as it is: padding is shorter than the image."""
    sides = padding[:2], padding[2:]
    if max(sides[0]) < size[0] and max(sides[1]) < size[1]:
        return None
    h, w = (_live(size[a], kernel[a], strides[a], dilation[a], sides[a]) for a in (0, 1))
    return None if h is None or w is None else (h, w)


def _live(size: int, taps: int, stride: int, dilation: int, padding: tuple[int, int]) -> Live | None:
    """One axis; None where the kernel does not fit."""
    before = padding[0]
    outputs = (size + sum(padding) - (taps - 1) * dilation - 1) // stride + 1
    if outputs < 1:
        return None
    found = []
    for tap in range(taps):
        shift = before - tap * dilation  # output o sees pixel o * stride - shift
        first, last = max(-(-shift // stride), 0), min((shift + size - 1) // stride, outputs - 1)
        if first <= last:
            found.append((tap, first, last))
    if not found:  # a window beside the image
        return Live((0, 1, 1), (0, 1), (0, outputs - 1), (1, 0), 2, 1)
    first_tap, last_tap = found[0][0], found[-1][0]
    first, last = min(o for _, o, _ in found), max(o for _, _, o in found)
    begin = first * stride + first_tap * dilation - before
    end = last * stride + last_tap * dilation - before + 1
    # Windows see every step-th position only.
    stride, dilation = stride * (last > first), dilation * (last_tap > first_tap)
    step = math.gcd(stride, dilation) or 1
    zeros = max(-(begin // step), 0)
    pixel = begin + zeros * step
    pixels = (min(end, size) - 1 - pixel) // step + 1
    return Live(
        (pixel, pixel + (pixels - 1) * step + 1, step),
        (first_tap, last_tap + 1),
        (first, outputs - 1 - last),
        (zeros, (end - 1 - begin) // step + 1 - zeros - pixels),
        stride // step or 1,
        dilation // step or 1,
    )
