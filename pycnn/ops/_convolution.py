"""Convolutions as Keras' functions have them: on symbols and arrays, of images and of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import _core
from pycnn.core.data_format import checked_data_format
from pycnn.core.operations.base import operation
from pycnn.core.operations.convolution import convolved, depthwise_kernel
from pycnn.core.operations.documentation import documented
from pycnn.core.operations.images import as_image, from_image, pair, rank_of, sizes
from pycnn.core.operations.nodes import reshaped
from pycnn.core.operations.transposed import output_of, transposed_convolution
from pycnn.core.operations.value import Value

from ._conv2d import conv2d, depthwise_conv2d

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycnn.core.arrays import F32

_ARGUMENTS = """
    strides: an int or (height, width){of}.
    padding: 'valid' or 'same'.{more}
    data_format: 'channels_last', 'channels_first', (n, c, h, w) or (n, c, w), or None for
        `keras.config.image_data_format()`.
    dilation_rate: an int or (height, width){of}.

Returns:
    (n, oh, ow, {filters}) or (n, ow, {filters}), or with channels first: a symbol where an operand is one,
    else a float32 array.

Raises:
    ValueError: shapes that do not fit, a kernel larger than the padded image, a wrong size or format.
    TypeError: operands that are neither symbols nor real numbers, sizes that are not integers.
"""


def _documented(filters: str, of: str = "", more: str = "") -> Callable[[Any], Any]:
    """Adds the arguments that convolutions share to the list in a docstring."""
    return documented(_ARGUMENTS.format(filters=filters, of=of, more=more), "Source:")


def padding_of(padding: Any) -> Any:
    """A padding's name in small letters."""
    return padding.lower() if isinstance(padding, str) else padding


def images_of(x: F32, data_format: str) -> F32:
    """Arrays in either data format, of images or sequences, as images (n, h, w, c)."""
    x = np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    return x if x.ndim == 4 else x[:, None]


def from_images(y: F32, rank: int, data_format: str) -> F32:
    """The other way round."""
    y = y if rank == 2 else y[:, 0]
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def check_kernel(name: str, x: Any, kernel: Any) -> int:
    """The rank of a convolution; ValueError where inputs and kernel have different ones, or another one."""
    rank = rank_of(name, x.shape)
    if kernel.ndim != x.ndim:
        raise ValueError(
            f"{name}: inputs have shape {x.shape}, the kernel {kernel.shape}; expected as many axes"
        )
    return rank


def _check_channels(name: str, kernel: Any, own: int, channels: int) -> None:
    if own != channels:
        raise ValueError(
            f"{name}: the kernel {kernel.shape} takes {own} channels, but inputs have {channels}"
        )


def _groups(name: str, channels: int, kernel: Any) -> int:
    own = kernel.shape[-2]
    if own < 1 or channels % own:
        raise ValueError(
            f"{name}: the kernel {kernel.shape} takes {own} channels, but inputs have {channels}"
        )
    return int(channels // own)


def _windows(strides: Any, dilation_rate: Any, rank: int) -> tuple[tuple[int, int], tuple[int, int]]:
    step, dilation = sizes("strides", strides, rank), sizes("dilation_rate", dilation_rate, rank)
    return pair(step), pair(dilation)


def _kernel_of_images(kernel: Value) -> Value:
    return kernel if kernel.ndim == 4 else reshaped(kernel, (1, *kernel.sample))


def _array_conv(
    x: F32, kernel: F32, strides: Any, padding: Any, data_format: str | None, dilation_rate: Any
) -> Any:
    rank, order = check_kernel("conv", x, kernel), checked_data_format("conv", data_format)
    image = images_of(x, order)
    step, dilation = _windows(strides, dilation_rate, rank)
    groups = _groups("conv", image.shape[-1], kernel)
    w = kernel if rank == 2 else kernel[None]
    sides = padding_of(padding)
    y = conv2d(image, w, strides=step, padding=sides, dilation_rate=dilation, groups=groups)
    return from_images(y, rank, order)


@operation(2, arrays=_array_conv)
@_documented("filters")
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Convolution of images or sequences.

    Args:
        inputs: a symbol or an array (n, h, w, c) or (n, w, c).
        kernel: a weight, a symbol without a batch axis or an array: (kh, kw, c / groups, filters), or
            (kw, c / groups, filters). How many groups there are follows from the channels.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    >>> from pycnn import ops
    >>> ops.conv([[[1], [2], [3]]], [[[1]], [[10]]]).tolist()
    [[[21.0], [32.0]]]
    """
    rank = check_kernel(inputs.name, inputs, kernel)
    order = checked_data_format(inputs.name, data_format)
    x, w = as_image(inputs, order), _kernel_of_images(kernel)
    groups = _groups(inputs.name, x.sample[-1], kernel)
    step, dilation = _windows(strides, dilation_rate, rank)
    y = convolved(x, w, strides=step, padding=padding_of(padding), dilation=dilation, groups=groups)
    return from_image(y, rank, order)


def _array_depthwise(
    x: F32, kernel: F32, strides: Any, padding: Any, data_format: str | None, dilation_rate: Any
) -> Any:
    rank = check_kernel("depthwise_conv", x, kernel)
    order = checked_data_format("depthwise_conv", data_format)
    image = images_of(x, order)
    step, dilation = _windows(strides, dilation_rate, rank)
    w = kernel if rank == 2 else kernel[None]
    sides = padding_of(padding)
    y = depthwise_conv2d(image, w, strides=step, padding=sides, dilation_rate=dilation)
    return from_images(y, rank, order)


@operation(2, arrays=_array_depthwise)
@_documented("c * multiplier")
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Convolution of each channel with kernels of its own.

    Args:
        inputs: a symbol or an array (n, h, w, c) or (n, w, c).
        kernel: a weight, a symbol without a batch axis or an array: (kh, kw, c, multiplier) or
            (kw, c, multiplier).

    Source: Howard et al., MobileNets, arXiv:1704.04861, section 3.1.

    >>> from pycnn import ops
    >>> ops.depthwise_conv([[[1, 2], [3, 4]]], [[[1], [10]]]).tolist()
    [[[1.0, 20.0], [3.0, 40.0]]]
    """
    rank = check_kernel(inputs.name, inputs, kernel)
    order = checked_data_format(inputs.name, data_format)
    x = as_image(inputs, order)
    channels = x.sample[-1]
    _check_channels(inputs.name, kernel, kernel.shape[-2], channels)
    step, dilation = _windows(strides, dilation_rate, rank)
    w = depthwise_kernel(_kernel_of_images(kernel))
    sides = padding_of(padding)
    y = convolved(x, w, strides=step, padding=sides, dilation=dilation, groups=channels)
    return from_image(y, rank, order)


@operation(3)
@_documented("filters", of=": of the depthwise one")
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """A depthwise convolution, then one of single pixels.

    Args:
        inputs: a symbol or an array (n, h, w, c) or (n, w, c).
        depthwise_kernel: as in `depthwise_conv`.
        pointwise_kernel: (1, 1, c * multiplier, filters) or (1, c * multiplier, filters).

    Source: Chollet, Xception, arXiv:1610.02357.

    >>> from pycnn import ops
    >>> ops.separable_conv([[[1, 2], [3, 4]]], [[[1], [10]]], [[[1], [1]]]).tolist()
    [[[21.0], [43.0]]]
    """
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, data_format=data_format)


def _transposed_arguments(
    name: str, strides: Any, padding: Any, output_padding: Any, rank: int
) -> tuple[str, tuple[int | None, int | None]]:
    """The padding's name, and the output padding along height and width."""
    kind = padding.lower() if isinstance(padding, str) else padding
    if kind not in ("valid", "same"):
        raise ValueError(f"{name}: padding is {padding!r}; expected 'valid' or 'same'")
    if output_padding is None:
        return kind, (None, None)
    beyond = sizes("output_padding", output_padding, rank, 0)
    if any(o >= s for o, s in zip(beyond, sizes("strides", strides, rank), strict=True)):
        raise ValueError(
            f"{name}: output_padding is {output_padding!r}; expected less than strides, {strides!r}"
        )
    return kind, (None if rank == 1 else beyond[0], beyond[-1])


def _array_transposed(
    x: F32,
    kernel: F32,
    strides: Any,
    padding: Any,
    output_padding: Any,
    data_format: str | None,
    dilation_rate: Any,
) -> Any:
    """The gradient by its input of the convolution whose output has the shape of x."""
    name = "conv_transpose"
    rank, order = check_kernel(name, x, kernel), checked_data_format(name, data_format)
    image = np.ascontiguousarray(images_of(x, order))
    w = np.ascontiguousarray(kernel if rank == 2 else kernel[None])
    _check_channels(name, kernel, kernel.shape[-1], image.shape[-1])
    step, dilation = _windows(strides, dilation_rate, rank)
    kind, beyond = _transposed_arguments(name, strides, padding, output_padding, rank)
    axes = list(zip(image.shape[1:3], w.shape[:2], step, dilation, (kind, kind), beyond, strict=True))
    outputs = [output_of(name, *axis) for axis in axes]
    sides: list[int] = []
    for (size, taps, stride, d, _, _), output in zip(axes, outputs, strict=True):
        needed = (size - 1) * stride + (taps - 1) * d + 1
        sides += [output.crop, max(needed - output.crop - output.size, 0)]
    shape = image.shape[0], outputs[0].size, outputs[1].size, w.shape[2]
    y = _core.conv2d_backward_input(
        image, w, shape, step, (sides[0], sides[1], sides[2], sides[3]), dilation, 1
    )
    return from_images(y, rank, order)


@operation(2, arrays=_array_transposed)
@_documented("filters")
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Transposed convolution: what the gradient of a convolution of images or sequences by its input is.

    Along an axis of n pixels and a kernel that reaches over k = dilation * (taps - 1) + 1 of them there are
    (n - 1) * stride + max(k, stride) outputs with 'valid' and n * stride with 'same'; with an
    `output_padding` (n - 1) * stride + output_padding + (k with 'valid', k % 2 with 'same').

    Args:
        inputs: a symbol or an array (n, h, w, c) or (n, w, c).
        kernel: a weight, a symbol without a batch axis or an array: (kh, kw, filters, c) or (kw, filters, c).
        output_padding: an int or (height, width) below the strides, or None.

    Source: Dumoulin and Visin, arXiv:1603.07285, chapter 4.

    >>> from pycnn import ops
    >>> ops.conv_transpose([[[1], [2]]], [[[1]], [[10]]], strides=2).tolist()
    [[[1.0], [10.0], [2.0], [20.0]]]
    """
    name = inputs.name
    rank, order = check_kernel(name, inputs, kernel), checked_data_format(name, data_format)
    x = as_image(inputs, order)
    _check_channels(name, kernel, kernel.shape[-1], x.sample[-1])
    step, dilation = _windows(strides, dilation_rate, rank)
    kind, beyond = _transposed_arguments(name, strides, padding, output_padding, rank)
    y = transposed_convolution(
        x,
        _kernel_of_images(kernel),
        strides=step,
        padding=kind,
        output_padding=beyond,
        dilation=dilation,
    )
    return from_image(y, rank, order)
