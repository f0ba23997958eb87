"""Pooling: maximum and average, over windows and over whole images."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pycnn import _core
from pycnn.core.arguments import as_pair
from pycnn.core.arrays import as_float32
from pycnn.core.padding import window_padding

from . import arguments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arguments import Pair
    from pycnn.core.arrays import F32
    from pycnn.core.padding import Padding


class _Geometry(NamedTuple):
    """A checked pooling window."""

    pool_size: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    output_shape: tuple[int, int, int, int]


def _geometry(x: F32, pool_size: Pair, strides: Pair | None, padding: Padding) -> _Geometry:
    window = as_pair("pool_size", pool_size)
    strides = window if strides is None else as_pair("strides", strides)
    n, h, w, c = x.shape
    sides = window_padding(padding, (h, w), window, strides)
    if max(sides[:2]) >= window[0] or max(sides[2:]) >= window[1]:
        raise ValueError(
            f"padding (top, bottom, left, right) is {sides}; expected less than pool_size {window},"
            " or a window would hold nothing but padding"
        )
    oh, ow = arguments.output_size("pool_size", (h, w), window, strides, sides)
    return _Geometry(window, strides, sides, (n, oh, ow, c))


def max_pool2d(
    x: ArrayLike, pool_size: Pair = 2, *, strides: Pair | None = None, padding: Padding = "valid"
) -> F32:
    """The maximum over windows of pixels. Padding never wins; NaN always does.

    Args:
        x: Images (n, h, w, c).
        pool_size: The window: an int or (height, width).
        strides: Pixels from one window to the next: an int, (height, width), or None for pool_size.
        padding: 'valid', 'same', an int, (h, w) or ((top, bottom), (left, right)); smaller than the window.

    Returns:
        y (n, oh, ow, c), float32; size o = (size + padding - window) // stride + 1.

    Raises:
        ValueError: A wrong rank, sizes below 1, a window larger than the padded image, or inside the padding.
        TypeError: An array that is not real numbers, sizes that are not integers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 9.3.

    >>> from pycnn import ops
    >>> ops.max_pool2d([[[[1], [5]], [[3], [2]]]]).tolist()
    [[[[5.0]]]]
    """
    x = arguments.as_images("x", x)
    shape = _geometry(x, pool_size, strides, padding)
    return _core.max_pool2d_forward(x, shape.pool_size, shape.strides, shape.padding)


def max_pool2d_backward(
    dy: ArrayLike,
    x: ArrayLike,
    pool_size: Pair = 2,
    *,
    strides: Pair | None = None,
    padding: Padding = "valid",
) -> F32:
    """Gradient of `max_pool2d`: a window's goes to its maximum, the first one, row by row, of equals.

    Args:
        dy: Gradient of y, (n, oh, ow, c).
        x: Images (n, h, w, c), as given to `max_pool2d`; so are all that follow.
        pool_size: An int or (height, width).
        strides: An int, (height, width), or None for pool_size.
        padding: 'valid', 'same', an int, (h, w) or ((top, bottom), (left, right)).

    Returns:
        dx (n, h, w, c), float32.

    Raises:
        ValueError: As `max_pool2d`, and where dy has not the shape of y.
        TypeError: As `max_pool2d`.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.max_pool2d_backward([[[[7]]]], [[[[1], [5]], [[5], [2]]]]).ravel().tolist()
    [0.0, 7.0, 0.0, 0.0]
    """
    x = arguments.as_images("x", x)
    shape = _geometry(x, pool_size, strides, padding)
    dy = arguments.as_gradient(dy, shape.output_shape)
    return _core.max_pool2d_backward(x, dy, shape.pool_size, shape.strides, shape.padding)


def average_pool2d(
    x: ArrayLike,
    pool_size: Pair = 2,
    *,
    strides: Pair | None = None,
    padding: Padding = "valid",
    count_padding: bool = False,
) -> F32:
    """The mean over windows of pixels.

    Args:
        x: Images (n, h, w, c).
        pool_size: The window: an int or (height, width).
        strides: Pixels from one window to the next: an int, (height, width), or None for pool_size.
        padding: 'valid', 'same', an int, (h, w) or ((top, bottom), (left, right)); smaller than the window.
        count_padding: Divide by the window's size, padding being zeros, and not by its pixels in the image.

    Returns:
        y (n, oh, ow, c), float32; size o = (size + padding - window) // stride + 1.

    Raises:
        ValueError: A wrong rank, sizes below 1, a window larger than the padded image, or inside the padding.
        TypeError: An array that is not real numbers, sizes that are not integers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 9.3.

    >>> from pycnn import ops
    >>> ops.average_pool2d([[[[1], [5]], [[4], [2]]]]).tolist()
    [[[[3.0]]]]
    """
    x = arguments.as_images("x", x)
    shape = _geometry(x, pool_size, strides, padding)
    return _core.average_pool2d_forward(x, shape.pool_size, shape.strides, shape.padding, bool(count_padding))


def average_pool2d_backward(
    dy: ArrayLike,
    x: ArrayLike,
    pool_size: Pair = 2,
    *,
    strides: Pair | None = None,
    padding: Padding = "valid",
    count_padding: bool = False,
) -> F32:
    """Gradient of `average_pool2d`.

    Args:
        dy: Gradient of y, (n, oh, ow, c).
        x: Images (n, h, w, c), of which only the shape matters; the rest as given to `average_pool2d`.
        pool_size: An int or (height, width).
        strides: An int, (height, width), or None for pool_size.
        padding: 'valid', 'same', an int, (h, w) or ((top, bottom), (left, right)).
        count_padding: A bool.

    Returns:
        dx (n, h, w, c), float32.

    Raises:
        ValueError: As `average_pool2d`, and where dy has not the shape of y.
        TypeError: As `average_pool2d`.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.average_pool2d_backward([[[[8]]]], [[[[1], [5]], [[5], [2]]]]).ravel().tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    x = arguments.as_images("x", x)
    shape = _geometry(x, pool_size, strides, padding)
    dy = arguments.as_gradient(dy, shape.output_shape)
    n, h, w, c = x.shape
    return _core.average_pool2d_backward(
        dy, (n, h, w, c), shape.pool_size, shape.strides, shape.padding, bool(count_padding)
    )


def _whole(x: F32) -> tuple[int, int]:
    return x.shape[1], x.shape[2]


def _global_gradient(dy: ArrayLike, x: F32) -> F32:
    dy = as_float32("dy", dy)
    n, _, _, c = x.shape
    if dy.shape not in ((n, c), (n, 1, 1, c)):
        raise ValueError(
            f"dy has shape {dy.shape}; expected {(n, c)}, the shape of the output, or {(n, 1, 1, c)}"
        )
    return dy.reshape(n, 1, 1, c)


def global_max_pool2d(x: ArrayLike, *, keepdims: bool = False) -> F32:
    """The maximum of each channel over the whole image.

    Args:
        x: Images (n, h, w, c).
        keepdims: Return (n, 1, 1, c).

    Returns:
        y (n, c), float32.

    Raises:
        ValueError: A wrong rank.
        TypeError: An array that is not real numbers.

    Source: Oquab et al., Is object localization for free?, CVPR 2015.

    >>> from pycnn import ops
    >>> ops.global_max_pool2d([[[[1], [5]], [[3], [2]]]]).tolist()
    [[5.0]]
    """
    x = arguments.as_images("x", x)
    y = _core.max_pool2d_forward(x, _whole(x), _whole(x), (0, 0, 0, 0))
    return y if keepdims else y.reshape(x.shape[0], x.shape[3])


def global_max_pool2d_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `global_max_pool2d`: to the maximum, the first one, row by row, of equals.

    Args:
        dy: Gradient of y, (n, c) or (n, 1, 1, c).
        x: Images (n, h, w, c), as given to `global_max_pool2d`.

    Returns:
        dx (n, h, w, c), float32.

    Raises:
        ValueError: A wrong rank, dy that has not the shape of y.
        TypeError: An array that is not real numbers.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.global_max_pool2d_backward([[7]], [[[[1], [5]], [[3], [2]]]]).ravel().tolist()
    [0.0, 7.0, 0.0, 0.0]
    """
    x = arguments.as_images("x", x)
    return _core.max_pool2d_backward(x, _global_gradient(dy, x), _whole(x), _whole(x), (0, 0, 0, 0))


def global_average_pool2d(x: ArrayLike, *, keepdims: bool = False) -> F32:
    """The mean of each channel over the whole image.

    Args:
        x: Images (n, h, w, c).
        keepdims: Return (n, 1, 1, c).

    Returns:
        y (n, c), float32.

    Raises:
        ValueError: A wrong rank.
        TypeError: An array that is not real numbers.

    Source: Lin, Chen and Yan, Network in network, arXiv:1312.4400, section 3.2.

    >>> from pycnn import ops
    >>> ops.global_average_pool2d([[[[1], [5]], [[4], [2]]]]).tolist()
    [[3.0]]
    """
    x = arguments.as_images("x", x)
    y = _core.average_pool2d_forward(x, _whole(x), _whole(x), (0, 0, 0, 0), False)
    return y if keepdims else y.reshape(x.shape[0], x.shape[3])


def global_average_pool2d_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `global_average_pool2d`.

    Args:
        dy: Gradient of y, (n, c) or (n, 1, 1, c).
        x: Images (n, h, w, c), of which only the shape matters.

    Returns:
        dx (n, h, w, c), float32.

    Raises:
        ValueError: A wrong rank, dy that has not the shape of y.
        TypeError: An array that is not real numbers.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.global_average_pool2d_backward([[8]], [[[[1], [5]], [[3], [2]]]]).ravel().tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    x = arguments.as_images("x", x)
    n, h, w, c = x.shape
    return _core.average_pool2d_backward(
        _global_gradient(dy, x), (n, h, w, c), _whole(x), _whole(x), (0, 0, 0, 0), False
    )
