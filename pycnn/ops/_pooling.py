"""Pooling as Keras' functions have it: on symbols and arrays, of images and of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.core.data_format import checked_data_format
from pycnn.core.operations.base import operation
from pycnn.core.operations.documentation import documented
from pycnn.core.operations.images import as_image, from_image, pair, rank_of, sizes
from pycnn.core.operations.pooling import pooled
from pycnn.core.operations.value import Value

from ._convolution import from_images, images_of, padding_of
from ._pool2d import average_pool2d, max_pool2d

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycnn.core.arrays import F32

    Pair = tuple[int, int]

_documented = documented(
    """
Args:
    inputs: a symbol or an array (n, h, w, c) or (n, w, c).
    pool_size: the window: an int or (height, width).
    strides: from one window to the next: an int, (height, width), or None for pool_size.
    padding: 'valid' or 'same'.
    data_format: 'channels_last', 'channels_first', (n, c, h, w) or (n, c, w), or None for
        `keras.config.image_data_format()`.

Returns:
    (n, oh, ow, c) or (n, ow, c), or with channels first: a symbol for a symbol, else a float32 array.

Raises:
    ValueError: a wrong number of axes, a window larger than the padded image, a wrong size or format.
    TypeError: inputs that are neither a symbol nor real numbers, sizes that are not integers.
""",
    "Source:",
)


def _windows(pool_size: Any, strides: Any, rank: int) -> tuple[Pair, Pair]:
    window = sizes("pool_size", pool_size, rank)
    step = window if strides is None else sizes("strides", strides, rank)
    return pair(window), pair(step)


def _on_arrays(name: str, pool: Callable[..., F32]) -> Callable[..., Any]:
    def on_arrays(x: F32, pool_size: Any, strides: Any, padding: Any, data_format: str | None) -> Any:
        rank, order = rank_of(name, x.shape), checked_data_format(name, data_format)
        window, step = _windows(pool_size, strides, rank)
        y = pool(images_of(x, order), window, strides=step, padding=padding_of(padding))
        return from_images(y, rank, order)

    return on_arrays


def _lowered(
    x: Value, average: bool, pool_size: Any, strides: Any, padding: Any, data_format: str | None
) -> Value:
    rank, order = rank_of(x.name, x.shape), checked_data_format(x.name, data_format)
    window, step = _windows(pool_size, strides, rank)
    y = pooled(as_image(x, order), average, window, strides=step, padding=padding_of(padding))
    return from_image(y, rank, order)


@operation(arrays=_on_arrays("max_pool", max_pool2d))
@_documented
def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The maximum over windows. Padding never wins; the first of equal ones gets the gradient.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 9.3.

    >>> from pycnn import ops
    >>> ops.max_pool([[[1], [5], [3], [2]]], 2).tolist()
    [[[5.0], [3.0]]]
    """
    return _lowered(inputs, False, pool_size, strides, padding, data_format)


@operation(arrays=_on_arrays("average_pool", average_pool2d))
@_documented
def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The mean over windows, padding left out.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 9.3.

    >>> from pycnn import ops
    >>> ops.average_pool([[[1], [5], [3], [2]]], 2).tolist()
    [[[3.0], [2.5]]]
    """
    return _lowered(inputs, True, pool_size, strides, padding, data_format)
