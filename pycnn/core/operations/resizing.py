"""Images of more pixels: each repeated, or interpolated between its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycnn.core.operations.nodes import mapped, reshaped, viewed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.operations.value import Value

    F64 = NDArray[np.float64]


def repeated(x: Value, down: int, right: int) -> Value:
    """Each pixel of an image (h, w, c) in a block (down, right)."""
    h, w, c = x.sample
    blocks = viewed(x, (h, down, w, right, c), (w * c, 0, c, 0, 1))
    return reshaped(blocks, (h * down, w * right, c))


def _triangle(x: F64) -> F64:
    return np.maximum(1.0 - x, 0.0)


def _cubic(x: F64) -> F64:
    """Keys, Cubic convolution interpolation for digital image processing, 1981, with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((2.5 - 0.5 * x) * x - 4.0) * x + 2.0
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


# The radius in pixels, and the weight of a pixel at a distance.
_KERNELS = {
    "bilinear": (1, _triangle),
    "bicubic": (2, _cubic),
    "lanczos3": (3, lambda x: np.where(x < 3.0, np.sinc(x) * np.sinc(x / 3.0), 0.0)),
    "lanczos5": (5, lambda x: np.where(x < 5.0, np.sinc(x) * np.sinc(x / 5.0), 0.0)),
}
INTERPOLATIONS = ("nearest", *_KERNELS)


def interpolated(x: Value, interpolation: str, down: int, right: int) -> Value:
    """An image (h, w, c) resized by these factors, pixels being squares whose centres have the values.

    What lies outside the image has no weight; the others add up to 1.
    """
    for axis, factor in enumerate((down, right)):
        if factor > 1:
            x = _interpolated(x, interpolation, axis, factor)
    return x


def _interpolated(x: Value, interpolation: str, axis: int, factor: int) -> Value:
    radius, kernel = _KERNELS[interpolation]
    size = x.sample[axis]
    at = (np.arange(size * factor) + 0.5) / factor - 0.5
    first = np.floor(at).astype(int) - radius + 1
    places = first[:, None] + np.arange(2 * radius)
    weights = kernel(np.abs(places - at[:, None])) * ((places >= 0) & (places < size))
    weights /= weights.sum(1, keepdims=True)
    shape = (-1, 1, 1) if axis == 0 else (-1, 1)
    terms = []
    for place, weight in zip(np.clip(places, 0, size - 1).T, weights.T, strict=True):
        if not weight.any():
            continue
        pixels = x.then(x.graph.take(x.node, x.constant(place).node, axis=axis, name=x.name))
        terms.append(mapped("multiply", pixels, x.constant(weight.reshape(shape))))
    total = terms[0]
    for term in terms[1:]:
        total = mapped("add", total, term)
    return total
