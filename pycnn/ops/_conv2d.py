"""Convolutions: ordinary, grouped and depthwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_int, as_number, as_pair
from pycnn.core.arrays import as_float32
from pycnn.core.padding import window_padding
from pycnn.core.trimming import live_axes

from . import arguments
from ._activation import find_activation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from pycnn.core.arguments import Pair
    from pycnn.core.arrays import F32
    from pycnn.core.padding import Padding


class _Geometry(NamedTuple):
    """A checked convolution. Unless the mode is constant, the image is padded first and `padding` is zero."""

    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    padding_value: float
    dilation: tuple[int, int]
    groups: int
    mode: str
    mode_padding: tuple[int, int, int, int]
    output_shape: tuple[int, int, int, int]

    def pad(self, x: F32) -> F32:
        if self.mode == "constant":
            return x
        return _core.pad2d_forward(x, self.mode_padding, self.mode, 0.0)

    def unpad(self, dx: F32) -> F32:
        if self.mode == "constant":
            return dx
        return _core.pad2d_backward(dx, self.mode_padding, self.mode)

    def trimmed(self, x: F32, w: F32) -> _Trimmed | None:
        """The part of the convolution that sees the image; None where that is about all of it."""
        size, kernel = (x.shape[1], x.shape[2]), (w.shape[0], w.shape[1])
        live = (
            None if self.padding_value else live_axes(size, kernel, self.strides, self.dilation, self.padding)
        )
        if live is None:
            return None
        rows, columns = live
        _, oh, ow, _ = self.output_shape
        return _Trimmed(
            (slice(None), slice(*rows.pixels), slice(*columns.pixels)),
            (slice(*rows.taps), slice(*columns.taps)),
            (
                slice(None),
                slice(rows.zeros[0], oh - rows.zeros[1]),
                slice(columns.zeros[0], ow - columns.zeros[1]),
            ),
            self._replace(
                strides=(rows.stride, columns.stride),
                padding=rows.padding + columns.padding,
                dilation=(rows.dilation, columns.dilation),
            ),
        )


class _Trimmed(NamedTuple):
    """Where the part of a convolution that sees the image lies in its arrays, and its own geometry."""

    pixels: tuple[slice, slice, slice]
    taps: tuple[slice, slice]
    outputs: tuple[slice, slice, slice]
    geometry: _Geometry


def _geometry(
    x: F32,
    w: F32,
    strides: Pair,
    padding: Padding,
    dilation_rate: Pair,
    groups: int,
    padding_value: float,
    padding_mode: str,
) -> _Geometry:
    strides = as_pair("strides", strides)
    dilation = as_pair("dilation_rate", dilation_rate)
    value = as_number("padding_value", padding_value)
    mode = arguments.as_mode("padding_mode", padding_mode)
    size, kernel = (x.shape[1], x.shape[2]), (w.shape[0], w.shape[1])
    sides = window_padding(padding, size, kernel, strides, dilation)
    oh, ow = arguments.output_size("the kernel", size, kernel, strides, sides, dilation)
    if mode == "reflect":
        arguments.check_reflection(sides, size)
    if mode == "constant" or not any(sides):
        own, before, mode = sides, (0, 0, 0, 0), "constant"
    else:
        own, before = (0, 0, 0, 0), sides
    return _Geometry(strides, own, value, dilation, groups, mode, before, (x.shape[0], oh, ow, w.shape[3]))


def _kernel(w: ArrayLike, channels: int, groups: int) -> tuple[F32, int]:
    kernel = as_float32("w", w, ndim=4)
    groups = as_int("groups", groups, 1)
    if 0 in kernel.shape:
        raise ValueError(f"w has shape {kernel.shape}; expected sizes of at least 1")
    if channels % groups or kernel.shape[3] % groups:
        raise ValueError(
            f"groups is {groups}; expected a divisor of x's {channels} channels"
            f" and of w's {kernel.shape[3]} filters"
        )
    if kernel.shape[2] != channels // groups:
        raise ValueError(
            f"w has shape {kernel.shape}; expected (kh, kw, {channels // groups}, filters)"
            f" for x of {channels} channels in {groups} group{'s' * (groups > 1)}"
        )
    return kernel, groups


def _depthwise_kernel(w: ArrayLike, channels: int) -> F32:
    kernel = as_float32("w", w, ndim=4)
    if 0 in kernel.shape or kernel.shape[2] != channels:
        raise ValueError(
            f"w has shape {kernel.shape}; expected (kh, kw, {channels}, multiplier), as x has channels"
        )
    # (kh, kw, c, multiplier) and, for groups = c, (kh, kw, 1, c * multiplier) are the same memory.
    return kernel.reshape(kernel.shape[0], kernel.shape[1], 1, -1)


def _forward(x: F32, w: F32, b: ArrayLike | None, shape: _Geometry) -> F32:
    bias = arguments.as_vector("b", b, w.shape[3])
    x = shape.pad(x)
    part = shape.trimmed(x, w)
    if part is None:
        return _convolved(x, w, bias, shape)
    y = np.zeros(shape.output_shape, np.float32)
    y[part.outputs] = _convolved(_own(x[part.pixels]), _own(w[part.taps]), None, part.geometry)
    return y if bias is None else y + bias


def _convolved(x: F32, w: F32, bias: F32 | None, shape: _Geometry) -> F32:
    return _core.conv2d_forward(
        x, w, bias, shape.strides, shape.padding, shape.padding_value, shape.dilation, shape.groups
    )


def _backward(dy: ArrayLike, x: F32, w: F32, shape: _Geometry) -> tuple[F32, F32, F32]:
    dy = arguments.as_gradient(dy, shape.output_shape)
    padded = shape.pad(x)
    part = shape.trimmed(padded, w)
    if part is None:
        dx, dw = _gradients(dy, padded, w, shape)
    else:
        dx, dw = np.zeros_like(padded), np.zeros_like(w)
        dx[part.pixels], dw[part.taps] = _gradients(
            _own(dy[part.outputs]), _own(padded[part.pixels]), _own(w[part.taps]), part.geometry
        )
    return shape.unpad(dx), dw, _core.bias_gradient(dy)


def _gradients(dy: F32, x: F32, w: F32, shape: _Geometry) -> tuple[F32, F32]:
    n, h, width, c = x.shape
    strides, padding, dilation, groups = shape.strides, shape.padding, shape.dilation, shape.groups
    dx = _core.conv2d_backward_input(dy, w, (n, h, width, c), strides, padding, dilation, groups)
    size, value = (w.shape[0], w.shape[1]), shape.padding_value
    return dx, _core.conv2d_backward_weight(x, dy, size, strides, padding, value, dilation, groups)


def _own(array: F32) -> F32:
    return np.ascontiguousarray(array)


def conv2d(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    *,
    strides: Pair = 1,
    padding: Padding = "valid",
    dilation_rate: Pair = 1,
    groups: int = 1,
    padding_value: float = 0.0,
    padding_mode: str = "constant",
    activation: str | Callable[[F32], F32] | None = None,
) -> F32:
    """Two-dimensional convolution (a cross-correlation: the kernel is not flipped).

    y[n, i, j, k] = b[k] + sum over p, q, c of x[n, i s + p d, j s + q d, c] w[p, q, c, k],
    with stride s and dilation d.

    Args:
        x: Images (n, h, w, c).
        w: Kernel (kh, kw, c / groups, filters).
        b: Bias (filters,), or None.
        strides: Pixels from one output to the next: an int or (height, width).
        padding: 'valid' (none), 'same' (ceil(size / stride) outputs, the odd pixel at the end), pixels on
            each side as an int or (h, w), or ((top, bottom), (left, right)).
        dilation_rate: Pixels from one kernel tap to the next: an int or (height, width).
        groups: Channels and filters are cut into so many parts that do not see each other.
        padding_value: What lies outside the image, where padding_mode is 'constant'.
        padding_mode: 'constant', 'reflect' (mirrored, border not repeated) or 'edge' (the border repeated).
        activation: Name of an activation of this module, a function on arrays, or None.

    Returns:
        y (n, oh, ow, filters), float32, o = (size + padding - dilation * (kernel - 1) - 1) // stride + 1.

    Raises:
        ValueError: Shapes that do not fit, a kernel larger than the padded image, a reflection larger than
            the image, sizes below 1, an unknown mode or activation.
        TypeError: Arrays that are not real numbers, sizes that are not integers.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    >>> from pycnn import ops
    >>> image = [[[[1], [2], [3]], [[4], [5], [6]]]]
    >>> box = [[[[1]], [[1]]]]
    >>> ops.conv2d(image, box)[0, :, :, 0].tolist()
    [[3.0, 5.0], [9.0, 11.0]]
    """
    activate = find_activation(activation)
    x = arguments.as_images("x", x)
    w, groups = _kernel(w, x.shape[3], groups)
    shape = _geometry(x, w, strides, padding, dilation_rate, groups, padding_value, padding_mode)
    return activate(_forward(x, w, b, shape))


def conv2d_backward(
    dy: ArrayLike,
    x: ArrayLike,
    w: ArrayLike,
    *,
    strides: Pair = 1,
    padding: Padding = "valid",
    dilation_rate: Pair = 1,
    groups: int = 1,
    padding_value: float = 0.0,
    padding_mode: str = "constant",
) -> tuple[F32, F32, F32]:
    """Gradients of `conv2d` (without activation: take that one's backward first).

    Args:
        dy: Gradient of y, (n, oh, ow, filters).
        x: Images (n, h, w, c), as given to `conv2d`; so are w and all that follow.
        w: Kernel (kh, kw, c / groups, filters).
        strides: An int or (height, width).
        padding: 'valid', 'same', an int, (h, w) or ((top, bottom), (left, right)).
        dilation_rate: An int or (height, width).
        groups: An int.
        padding_value: A number.
        padding_mode: 'constant', 'reflect' or 'edge'.

    Returns:
        dx, dw and db, shaped as x, w and (filters,).

    Raises:
        ValueError: As `conv2d`, and where dy has not the shape of y.
        TypeError: As `conv2d`.

    Source: the chain rule; Dumoulin and Visin, arXiv:1603.07285, chapter 4 (transposed convolution).

    >>> from pycnn import ops
    >>> image = [[[[1], [2], [3]]]]
    >>> dx, dw, db = ops.conv2d_backward([[[[1], [10]]]], image, [[[[5]], [[7]]]])
    >>> dx.ravel().tolist(), dw.ravel().tolist(), db.tolist()
    ([5.0, 57.0, 70.0], [21.0, 32.0], [11.0])
    """
    x = arguments.as_images("x", x)
    w, groups = _kernel(w, x.shape[3], groups)
    shape = _geometry(x, w, strides, padding, dilation_rate, groups, padding_value, padding_mode)
    return _backward(dy, x, w, shape)


def depthwise_conv2d(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    *,
    strides: Pair = 1,
    padding: Padding = "valid",
    dilation_rate: Pair = 1,
    padding_value: float = 0.0,
    padding_mode: str = "constant",
    activation: str | Callable[[F32], F32] | None = None,
) -> F32:
    """Convolution of each channel with kernels of its own.

    Args:
        x: Images (n, h, w, c).
        w: Kernel (kh, kw, c, multiplier).
        b: Bias (c * multiplier,), or None.
        strides: An int or (height, width).
        padding: 'valid', 'same', an int, (h, w) or ((top, bottom), (left, right)).
        dilation_rate: An int or (height, width).
        padding_value: What lies outside the image, where padding_mode is 'constant'.
        padding_mode: 'constant', 'reflect' or 'edge'.
        activation: Name of an activation of this module, a function on arrays, or None.

    Returns:
        y (n, oh, ow, c * multiplier), float32: channel c gives the outputs c * multiplier and following.

    Raises:
        ValueError: As `conv2d`.
        TypeError: As `conv2d`.

    Source: Howard et al., MobileNets, arXiv:1704.04861, section 3.1.

    >>> from pycnn import ops
    >>> image = [[[[1, 2], [3, 4]]]]
    >>> ops.depthwise_conv2d(image, [[[[1], [10]]]]).tolist()
    [[[[1.0, 20.0], [3.0, 40.0]]]]
    """
    activate = find_activation(activation)
    x = arguments.as_images("x", x)
    w = _depthwise_kernel(w, x.shape[3])
    shape = _geometry(x, w, strides, padding, dilation_rate, x.shape[3], padding_value, padding_mode)
    return activate(_forward(x, w, b, shape))


def depthwise_conv2d_backward(
    dy: ArrayLike,
    x: ArrayLike,
    w: ArrayLike,
    *,
    strides: Pair = 1,
    padding: Padding = "valid",
    dilation_rate: Pair = 1,
    padding_value: float = 0.0,
    padding_mode: str = "constant",
) -> tuple[F32, F32, F32]:
    """Gradients of `depthwise_conv2d` (without activation: take that one's backward first).

    Args:
        dy: Gradient of y, (n, oh, ow, c * multiplier).
        x: Images (n, h, w, c), as given to `depthwise_conv2d`; so are w and all that follow.
        w: Kernel (kh, kw, c, multiplier).
        strides: An int or (height, width).
        padding: 'valid', 'same', an int, (h, w) or ((top, bottom), (left, right)).
        dilation_rate: An int or (height, width).
        padding_value: A number.
        padding_mode: 'constant', 'reflect' or 'edge'.

    Returns:
        dx, dw and db, shaped as x, w and (c * multiplier,).

    Raises:
        ValueError: As `conv2d_backward`.
        TypeError: As `conv2d_backward`.

    Source: the chain rule on Howard et al., arXiv:1704.04861, section 3.1.

    >>> from pycnn import ops
    >>> dx, dw, db = ops.depthwise_conv2d_backward([[[[1, 2]]]], [[[[3, 4]]]], [[[[5], [6]]]])
    >>> dx.ravel().tolist(), dw.ravel().tolist(), db.tolist()
    ([5.0, 12.0], [3.0, 8.0], [1.0, 2.0])
    """
    x = arguments.as_images("x", x)
    w = _depthwise_kernel(w, x.shape[3])
    shape = _geometry(x, w, strides, padding, dilation_rate, x.shape[3], padding_value, padding_mode)
    dx, dw, db = _backward(dy, x, w, shape)
    return dx, dw.reshape(w.shape[0], w.shape[1], x.shape[3], -1), db
