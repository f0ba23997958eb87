"""What `ImageDataGenerator.fit` computes of many images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def channel_means(x: NDArray[Any], channel_axis: int) -> NDArray[Any]:
    """The mean of each channel, in a shape that goes with one image."""
    return _of_channels(
        np.asarray(np.mean(x, _others(channel_axis), dtype=np.float64)), channel_axis, x.dtype
    )


def channel_deviations(x: NDArray[Any], channel_axis: int) -> NDArray[Any]:
    """The standard deviation of each channel, in a shape that goes with one image."""
    deviations = np.asarray(np.std(x, _others(channel_axis), dtype=np.float64))
    return _of_channels(deviations, channel_axis, x.dtype)


def whitening_matrix(x: NDArray[Any], epsilon: float) -> NDArray[Any]:
    """The matrix of ZCA whitening of centered images: U sqrt(n) / (s + epsilon) U^T of their singular values.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009), appendix A; the
    form with singular values is Keras'.
    """
    flat = x.reshape(len(x), -1)
    u, s, _ = np.linalg.svd(flat.T, full_matrices=False)
    scaled = u * (np.sqrt(len(x)) / (s + epsilon))
    return np.asarray(scaled @ u.T)


def _others(channel_axis: int) -> tuple[int, ...]:
    return tuple(axis for axis in range(4) if axis != channel_axis)


def _of_channels(values: NDArray[Any], channel_axis: int, dtype: Any) -> NDArray[Any]:
    shape = [1, 1, 1]
    shape[channel_axis - 1] = len(values)
    return values.astype(dtype).reshape(shape)
