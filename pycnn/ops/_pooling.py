"""Pooling as Keras' functions have it: on symbols and arrays, of images and of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.core.operations.base import Value, operation
from pycnn.core.operations.nodes import reshaped
from pycnn.core.padding import window_padding

from ._convolution import as_pixels, channels_last, check_rank
from ._pool2d import average_pool2d, max_pool2d

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycnn.core.arrays import F32


def _on_arrays(name: str, pool: Callable[..., F32]) -> Callable[..., Any]:
    def pooled(x: F32, pool_size: Any, strides: Any, padding: str, data_format: str | None) -> Any:
        channels_last(name, data_format)
        is_row = check_rank(name, x)
        window = as_pixels("pool_size", pool_size, is_row)
        step = None if strides is None else as_pixels("strides", strides, is_row)
        y = pool(x[:, None] if is_row else x, window, strides=step, padding=padding)
        return y[:, 0] if is_row else y

    return pooled


def _lowered(
    x: Value, average: bool, pool_size: Any, strides: Any, padding: str, data_format: str | None
) -> Value:
    channels_last(x.name, data_format)
    is_row = check_rank(x.name, x)
    window = as_pixels("pool_size", pool_size, is_row)
    step = window if strides is None else as_pixels("strides", strides, is_row)
    h, w, c = (1, *x.sample) if is_row else x.sample
    image = reshaped(x, (h, w, c))
    pool = x.graph.average_pool2d if average else x.graph.max_pool2d
    sides = window_padding(padding, (h, w), window, step)
    y = x.then(pool(image.node, pool_size=window, strides=step, padding=sides, name=x.name))
    return reshaped(y, y.sample[1:]) if is_row else y


@operation(arrays=_on_arrays("max_pool", max_pool2d))
def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The maximum over windows. Padding never wins; the first of equal ones gets the gradient.

    Args:
        inputs: a symbol or an array (n, h, w, c) or (n, w, c).
        pool_size: the window: an int or (height, width).
        strides: from one window to the next: an int, (height, width), or None for pool_size.
        padding: 'valid' or 'same'.
        data_format: None or 'channels_last'.

    Returns:
        (n, oh, ow, c) or (n, ow, c): a symbol for a symbol, else a float32 array.

    Raises:
        ValueError: a wrong number of axes, a window larger than the padded image, another data format.
        TypeError: inputs that are neither a symbol nor real numbers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 9.3.

    >>> from pycnn import ops
    >>> ops.max_pool([[[1], [5], [3], [2]]], 2).tolist()
    [[[5.0], [3.0]]]
    """
    return _lowered(inputs, False, pool_size, strides, padding, data_format)


@operation(arrays=_on_arrays("average_pool", average_pool2d))
def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The mean over windows, padding left out.

    Args:
        inputs: a symbol or an array (n, h, w, c) or (n, w, c).
        pool_size: the window: an int or (height, width).
        strides: from one window to the next: an int, (height, width), or None for pool_size.
        padding: 'valid' or 'same'.
        data_format: None or 'channels_last'.

    Returns:
        (n, oh, ow, c) or (n, ow, c): a symbol for a symbol, else a float32 array.

    Raises:
        ValueError: a wrong number of axes, a window larger than the padded image, another data format.
        TypeError: inputs that are neither a symbol nor real numbers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 9.3.

    >>> from pycnn import ops
    >>> ops.average_pool([[[1], [5], [3], [2]]], 2).tolist()
    [[[3.0], [2.5]]]
    """
    return _lowered(inputs, True, pool_size, strides, padding, data_format)
