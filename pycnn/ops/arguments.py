"""Checks of the arguments of operations: batches of images, gradients, padding and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn.core.arguments import as_int
from pycnn.core.arrays import as_float32

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


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
