"""Padding of images under a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core.arguments import as_pair, is_sequence

if TYPE_CHECKING:
    Padding: TypeAlias = str | int | Sequence[int] | Sequence[Sequence[int]]


def explicit_padding(value: Padding) -> tuple[int, int, int, int]:
    """An int, (h, w) or ((top, bottom), (left, right)) as (top, bottom, left, right)."""
    sides: Any = value
    if isinstance(sides, str) or (is_sequence(sides) and len(sides) != 2):
        expected = "'valid', 'same', an integer, (h, w) or ((top, bottom), (left, right))"
        raise ValueError(f"padding is {value!r}; expected {expected}")
    if is_sequence(sides) and is_sequence(sides[0]) and is_sequence(sides[1]):
        return (*as_pair("padding[0]", sides[0], 0), *as_pair("padding[1]", sides[1], 0))
    h, w = as_pair("padding", sides, 0)
    return h, h, w, w


def window_padding(
    value: Padding,
    size: tuple[int, int],
    window: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int, int, int]:
    """Padding as (top, bottom, left, right). 'same': ceil(size / stride) outputs, the odd one at the end."""
    if isinstance(value, str) and value == "valid":
        return 0, 0, 0, 0
    if not (isinstance(value, str) and value == "same"):
        return explicit_padding(value)
    sides: list[int] = []
    for pixels, taps, stride, step in zip(size, window, strides, dilation, strict=True):
        outputs = -(-pixels // stride)
        total = max((outputs - 1) * stride + step * (taps - 1) + 1 - pixels, 0)
        sides += (total // 2, total - total // 2)
    return sides[0], sides[1], sides[2], sides[3]
