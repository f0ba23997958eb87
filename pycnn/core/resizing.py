"""Images in another size, as TensorFlow computes it: centres of pixels are at halves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _cubic(x: Any) -> Any:
    near = (1.5 * x - 2.5) * x * x + 1
    return np.where(x < 1, near, np.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0))


def _mitchell(x: Any) -> Any:
    near = (7 * x / 6 - 2) * x * x + 8 / 9
    return np.where(x < 1, near, np.where(x < 2, ((-7 * x / 18 + 2) * x - 10 / 3) * x + 16 / 9, 0))


def _lanczos(radius: int) -> Callable[[Any], Any]:
    return lambda x: np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)


KERNELS: dict[str, Callable[[Any], Any]] = {
    "bilinear": lambda x: np.maximum(0, 1 - x),
    "bicubic": _cubic,  # Keys 1981, a = -0.5
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
    "gaussian": lambda x: np.where(x < 1.5, np.exp(-2 * x * x), 0),  # of the deviation 1/2
    "mitchellcubic": _mitchell,  # Mitchell and Netravali 1988, B = C = 1/3
}
METHODS = (*KERNELS, "nearest", "area")


def weights(method: str, old: int, new: int, antialias: bool = False) -> Any:
    """(new, old): what each new line has of the old ones."""
    if method == "nearest":
        return np.eye(old)[nearest(old, new)]
    if method == "area":
        edges = np.arange(new + 1) * old / new
        lines = np.arange(old)
        shared = np.minimum(edges[1:, None], lines + 1) - np.maximum(edges[:-1, None], lines)
        return np.maximum(shared, 0) * new / old
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    stretch = max(old / new, 1.0) if antialias else 1.0
    found = KERNELS[method](np.abs(centres[:, None] - np.arange(old)) / stretch)
    total = found.sum(1, keepdims=True)
    return found / np.where(total == 0, 1, total)


def nearest(old: int, new: int) -> Any:
    """The old line that each new one is."""
    return np.minimum(np.floor((np.arange(new) + 0.5) * old / new).astype(int), old - 1)


def resized(images: Any, size: tuple[int, int], method: str = "bilinear", antialias: bool = False) -> Any:
    """Images (..., h, w, c) with `size` rows and columns: float32, or of their own type for 'nearest'."""
    h, w = images.shape[-3:-1]
    if method == "nearest":
        return images[..., nearest(h, size[0])[:, None], nearest(w, size[1]), :]
    down, across = weights(method, h, size[0], antialias), weights(method, w, size[1], antialias)
    return _weighted(_weighted(images, down, -3), across, -2)


def _weighted(x: Any, lines: Any, axis: int) -> Any:
    """Sums of x along an axis with the weights (new, old), of which few in a row are not 0; float32."""
    old = lines.shape[1]
    used = lines != 0
    first = used.argmax(1)
    count = int((old - used[:, ::-1].argmax(1) - first).max())
    first = np.minimum(first, old - count)
    shape = (-1,) + (1,) * (-axis - 1)
    total: Any = 0
    for place in range(count):
        weight = np.take_along_axis(lines, (first + place)[:, None], 1).astype(np.float32)
        total = total + x.take(first + place, axis) * weight.reshape(shape)
    return total


def middle(h: int, w: int, size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the largest part in the middle that has the proportions of `size`."""
    part_h = max(min(h, w * size[0] // size[1]), 1)
    part_w = max(min(w, h * size[1] // size[0]), 1)
    top, left = (h - part_h) // 2, (w - part_w) // 2
    return slice(top, top + part_h), slice(left, left + part_w)
