"""Checks of arguments at the door: what every operation asks of arrays, window sizes and padding."""

from __future__ import annotations

import math
import numbers
import operator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    F32: TypeAlias = NDArray[np.float32]
    Pair: TypeAlias = int | Sequence[int]
    Padding: TypeAlias = str | int | Sequence[int] | Sequence[Sequence[int]]

MODES = ("constant", "reflect", "edge")


def as_float32(name: str, value: ArrayLike, ndim: int | None = None) -> F32:
    """The array as C-contiguous, aligned float32; integers, booleans and other floats are converted."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} has shape {array.shape}; expected {ndim} dimensions")
    return np.require(array, np.float32, ["C", "A"])


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


def as_int(name: str, value: Any, minimum: int) -> int:
    """An integer (not a bool, not a float) of at least `minimum`."""
    if not isinstance(value, (bool, np.bool_)):
        try:
            number = operator.index(value)
        except TypeError:
            pass
        else:
            if number < minimum:
                raise ValueError(f"{name} is {number}; expected at least {minimum}")
            return number
    raise TypeError(f"{name} is {value!r}; expected an integer")


def as_number(name: str, value: Any) -> float:
    """A finite real number."""
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is {value!r}; expected a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}; expected a finite number")
    return number


def _is_sequence(value: object) -> bool:
    return isinstance(value, (tuple, list, np.ndarray))


def as_pair(name: str, value: Pair, minimum: int = 1) -> tuple[int, int]:
    """An int for both axes, or (height, width)."""
    pair: Any = value
    if not _is_sequence(pair):
        pair = value, value
    elif len(pair) != 2:
        raise ValueError(f"{name} is {value!r}; expected an integer or a pair (height, width)")
    return as_int(name, pair[0], minimum), as_int(name, pair[1], minimum)


def explicit_padding(value: Padding) -> tuple[int, int, int, int]:
    """An int, (h, w) or ((top, bottom), (left, right)) as (top, bottom, left, right)."""
    sides: Any = value
    if isinstance(sides, str) or (_is_sequence(sides) and len(sides) != 2):
        expected = "'valid', 'same', an integer, (h, w) or ((top, bottom), (left, right))"
        raise ValueError(f"padding is {value!r}; expected {expected}")
    if _is_sequence(sides) and _is_sequence(sides[0]) and _is_sequence(sides[1]):
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
