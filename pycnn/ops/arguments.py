"""Checks of the arguments of operations: batches of images, gradients, padding and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core.arguments import as_int, as_pair, is_sequence
from pycnn.core.arrays import as_float32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32

    Padding: TypeAlias = str | int | Sequence[int] | Sequence[Sequence[int]]

MODES = ("constant", "reflect", "edge")


def as_images(name: str, value: ArrayLike) -> F32:
    """A batch of images (n, h, w, c) with at least one pixel and channel; n may be 0."""
    x = as_float32(name, value)
    if x.ndim != 4:
        hint = {2: f"; use {name}[None, :, :, None] for one grey image"}.get(x.ndim, "")
        hint = {3: f"; use {name}[None] for one image, {name}[..., None] for grey ones"}.get(x.ndim, hint)
        raise ValueError(
            f"{name} has shape {x.shape}; expected a batch of images (n, h, w, c), channels last{hint}"
        )
    if 0 in x.shape[1:]:
        raise ValueError(f"{name} has shape {x.shape}; expected images of at least one pixel and channel")
    return x


def as_gradient(value: ArrayLike, shape: tuple[int, ...]) -> F32:
    """dy, which must have the shape of what the forward function returns."""
    dy = as_float32("dy", value)
    if dy.shape != shape:
        raise ValueError(f"dy has shape {dy.shape}; expected {shape}, the shape of the output")
    return dy


def as_vector(name: str, value: ArrayLike | None, length: int) -> F32 | None:
    """A bias or a channel's statistics: (length,), or None."""
    if value is None:
        return None
    vector = as_float32(name, value)
    if vector.shape != (length,):
        raise ValueError(
            f"{name} has shape {vector.shape}; expected ({length},), one for each output channel"
        )
    return vector


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


def output_size(
    name: str,
    size: tuple[int, int],
    window: tuple[int, int],
    strides: tuple[int, int],
    padding: tuple[int, int, int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int]:
    """Places of the window, which must fit, dilation included, into the padded image."""
    h, w = size[0] + padding[0] + padding[1], size[1] + padding[2] + padding[3]
    kh, kw = (step * (taps - 1) + 1 for taps, step in zip(window, dilation, strict=True))
    if kh > h or kw > w:
        dilated = "" if dilation == (1, 1) else f" (dilated to {kh}x{kw})"
        raise ValueError(f"{name} {window[0]}x{window[1]}{dilated} is larger than the padded image, {h}x{w}")
    return (h - kh) // strides[0] + 1, (w - kw) // strides[1] + 1


def as_mode(name: str, value: object) -> str:
    """A padding mode."""
    if value not in MODES:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, MODES))}")
    return str(value)


def check_reflection(padding: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    """A reflection does not repeat the border: it reaches at most size - 1 pixels."""
    if max(padding[:2]) >= size[0] or max(padding[2:]) >= size[1]:
        raise ValueError(
            f"padding (top, bottom, left, right) {padding} is too large for mode 'reflect' of an image of"
            f" {size[0]}x{size[1]}; expected at most one pixel less than the image"
        )


def as_axis(axis: object, ndim: int) -> int:
    """An axis as a number from 0."""
    number = as_int("axis", axis, -ndim)
    if number >= ndim:
        raise ValueError(f"axis is {number}; expected at most {ndim - 1} for an array of {ndim} dimensions")
    return number % ndim
