"""Convolutions as Keras' functions have them: on symbols and arrays, of images and of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_int, as_pair
from pycnn.core.operations.base import Value, operation
from pycnn.core.operations.nodes import reshaped
from pycnn.core.padding import window_padding

from ._conv2d import conv2d, depthwise_conv2d

if TYPE_CHECKING:
    from pycnn.core.arrays import F32


def channels_last(name: str, data_format: str | None) -> None:
    """ValueError for Keras' other data format."""
    if data_format not in (None, "channels_last"):
        raise ValueError(f"{name}: data_format is {data_format!r}; expected 'channels_last'")


def as_pixels(name: str, value: Any, is_row: bool) -> tuple[int, int]:
    """Sizes along height and width; of a sequence along its one axis, which is the width."""
    if not is_row:
        return as_pair(name, value)
    return 1, as_int(name, value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value, 1)


def check_rank(name: str, x: Any, kernel: Any = None) -> bool:
    """Whether x are sequences (n, w, c) instead of images (n, h, w, c); ValueError where they are neither."""
    if x.ndim not in (3, 4):
        raise ValueError(f"{name}: inputs have shape {x.shape}; expected (n, h, w, c) or (n, w, c)")
    if kernel is not None and kernel.ndim != x.ndim:
        raise ValueError(
            f"{name}: inputs have shape {x.shape}, the kernel {kernel.shape}; expected as many axes"
        )
    return bool(x.ndim == 3)


def _groups(name: str, x: Any, kernel: Any) -> int:
    channels, own = x.shape[-1], kernel.shape[-2]
    if own < 1 or channels % own:
        raise ValueError(
            f"{name}: the kernel {kernel.shape} takes {own} channels, but inputs have {channels}"
        )
    return int(channels // own)


def _lowered_conv(
    x: Value, kernel: Value, strides: Any, padding: str, dilation_rate: Any, groups: int, filters: int
) -> Value:
    """The convolution of images or sequences, with a kernel of so many groups and filters for the core."""
    is_row = x.ndim == 3
    h, w, c = (1, *x.sample) if is_row else x.sample
    kh, kw = (1, kernel.sample[0]) if is_row else kernel.sample[:2]
    step, dilation = as_pixels("strides", strides, is_row), as_pixels("dilation_rate", dilation_rate, is_row)
    sides = window_padding(padding, (h, w), (kh, kw), step, dilation)
    node = x.graph.conv2d(
        reshaped(x, (h, w, c)).node,
        reshaped(kernel, (kh, kw, c // groups, filters)).node,
        strides=step,
        padding=sides,
        dilation=dilation,
        groups=groups,
        name=x.name,
    )
    y = x.then(node)
    return reshaped(y, y.sample[1:]) if is_row else y


def _array_conv(
    x: F32, kernel: F32, strides: Any, padding: str, data_format: str | None, dilation_rate: Any
) -> Any:
    channels_last("conv", data_format)
    is_row = check_rank("conv", x, kernel)
    options: Any = {
        "strides": as_pixels("strides", strides, is_row),
        "padding": padding,
        "dilation_rate": as_pixels("dilation_rate", dilation_rate, is_row),
        "groups": _groups("conv", x, kernel),
    }
    return conv2d(x[:, None], kernel[None], **options)[:, 0] if is_row else conv2d(x, kernel, **options)


@operation(2, arrays=_array_conv)
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
        strides: an int or (height, width).
        padding: 'valid' or 'same'.
        data_format: None or 'channels_last'.
        dilation_rate: an int or (height, width).

    Returns:
        (n, oh, ow, filters) or (n, ow, filters): a symbol where an operand is one, else a float32 array.

    Raises:
        ValueError: shapes that do not fit, a kernel larger than the padded image, another data format.
        TypeError: operands that are neither symbols nor real numbers.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    >>> from pycnn import ops
    >>> ops.conv([[[1], [2], [3]]], [[[1]], [[10]]]).tolist()
    [[[21.0], [32.0]]]
    """
    channels_last(inputs.name, data_format)
    check_rank(inputs.name, inputs, kernel)
    groups = _groups(inputs.name, inputs, kernel)
    return _lowered_conv(inputs, kernel, strides, padding, dilation_rate, groups, kernel.shape[-1])


def _array_depthwise(
    x: F32, kernel: F32, strides: Any, padding: str, data_format: str | None, dilation_rate: Any
) -> Any:
    channels_last("depthwise_conv", data_format)
    is_row = check_rank("depthwise_conv", x, kernel)
    options: Any = {
        "strides": as_pixels("strides", strides, is_row),
        "padding": padding,
        "dilation_rate": as_pixels("dilation_rate", dilation_rate, is_row),
    }
    if is_row:
        return depthwise_conv2d(x[:, None], kernel[None], **options)[:, 0]
    return depthwise_conv2d(x, kernel, **options)


@operation(2, arrays=_array_depthwise)
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
        strides: an int or (height, width).
        padding: 'valid' or 'same'.
        data_format: None or 'channels_last'.
        dilation_rate: an int or (height, width).

    Returns:
        (n, oh, ow, c * multiplier) or (n, ow, c * multiplier): a symbol where an operand is one, else a
        float32 array.

    Raises:
        ValueError: shapes that do not fit, a kernel larger than the padded image, another data format.
        TypeError: operands that are neither symbols nor real numbers.

    Source: Howard et al., MobileNets, arXiv:1704.04861, section 3.1.

    >>> from pycnn import ops
    >>> ops.depthwise_conv([[[1, 2], [3, 4]]], [[[1], [10]]]).tolist()
    [[[1.0, 20.0], [3.0, 40.0]]]
    """
    channels_last(inputs.name, data_format)
    check_rank(inputs.name, inputs, kernel)
    channels, own, multiplier = inputs.shape[-1], kernel.shape[-2], kernel.shape[-1]
    if own != channels:
        raise ValueError(
            f"{inputs.name}: the kernel {kernel.shape} takes {own} channels, but inputs have {channels}"
        )
    return _lowered_conv(inputs, kernel, strides, padding, dilation_rate, channels, channels * multiplier)


@operation(3)
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
        strides: of the depthwise one: an int or (height, width).
        padding: 'valid' or 'same'.
        data_format: None or 'channels_last'.
        dilation_rate: of the depthwise one: an int or (height, width).

    Returns:
        (n, oh, ow, filters) or (n, ow, filters): a symbol where an operand is one, else a float32 array.

    Raises:
        ValueError: shapes that do not fit, a kernel larger than the padded image, another data format.
        TypeError: operands that are neither symbols nor real numbers.

    Source: Chollet, Xception, arXiv:1610.02357.

    >>> from pycnn import ops
    >>> ops.separable_conv([[[1, 2], [3, 4]]], [[[1], [10]]], [[[1], [1]]]).tolist()
    [[[21.0], [43.0]]]
    """
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel)
