"""TensorFlow's `tf.nn`: the activation functions of `pycnn.nn`, losses from logits, convolutions."""

from __future__ import annotations

from typing import Any

from pycnn import nn, ops
from pycnn.core.operations import draws
from pycnn.core.seed_generator import SeedGenerator
from pycnn.nn import *  # noqa: F403
from pycnn.tf.eager import as_tensor
from pycnn.tf.functions import reduce_mean, reduce_sum, reduce_variance
from pycnn.tf.math import l2_normalize


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: Any = None) -> Any:
    """Cross-entropies of softmax(logits) and targets of their shape, one for each sample.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.nn.softmax_cross_entropy_with_logits([[0.0, 1.0]], [[0.0, 0.0]]).numpy().tolist()
        [0.6931471824645996]
    """
    return as_tensor(ops.categorical_crossentropy(labels, logits, from_logits=True, axis=axis))


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: Any = None) -> Any:
    """Cross-entropies of softmax(logits) and class numbers, one for each sample."""
    return as_tensor(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: Any = None) -> Any:
    """Cross-entropies of sigmoid(logits) and targets of their shape, one for each value."""
    return as_tensor(ops.binary_crossentropy(labels, logits, from_logits=True))


def conv2d(
    input: Any, filters: Any, strides: Any, padding: str, data_format: str = "NHWC", dilations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """A convolution of images (n, h, w, c) with kernels (kh, kw, c, k).

    Args:
        input: images.
        filters: kernels.
        strides: one, two (of rows and columns) or four.
        padding: 'SAME' or 'VALID'.
        data_format: only 'NHWC'.
        dilations: as `strides`; None for 1.
        name: has no effect.

    Raises:
        ValueError: if an argument is not supported.
    """
    _check_format(data_format)
    return as_tensor(
        ops.conv(
            input, filters, strides=_two("strides", strides), padding=_padding(padding),
            dilation_rate=_two("dilations", 1 if dilations is None else dilations),
        )
    )  # fmt: skip


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC", name: Any = None
) -> Any:
    """The largest values of windows; arguments as in `conv2d`."""
    _check_format(data_format)
    sizes = _two("ksize", ksize), _two("strides", strides)
    return as_tensor(ops.max_pool(input, *sizes, padding=_padding(padding)))


def avg_pool2d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC", name: Any = None
) -> Any:
    """The means of windows; arguments as in `conv2d`."""
    _check_format(data_format)
    sizes = _two("ksize", ksize), _two("strides", strides)
    return as_tensor(ops.average_pool(input, *sizes, padding=_padding(padding)))


max_pool, avg_pool = max_pool2d, avg_pool2d


def bias_add(value: Any, bias: Any, data_format: Any = None, name: Any = None) -> Any:
    """A number for each channel added."""
    _check_format(data_format or "NHWC")
    return as_tensor(ops.add(value, bias))


def l2_loss(t: Any, name: Any = None) -> Any:
    """Half the sum of squares."""
    return as_tensor(ops.multiply(ops.sum(ops.square(t)), 0.5))


def moments(x: Any, axes: Any, shift: None = None, keepdims: bool = False, name: Any = None) -> Any:
    """Mean and variance along axes."""
    axes = tuple(axes) if isinstance(axes, (list, tuple)) else axes
    return reduce_mean(x, axes, keepdims), reduce_variance(x, axes, keepdims)


def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: Any = None) -> Any:
    """Images (n, h, w, b * b * c) as (n, h * b, w * b, c): channels in groups become blocks of pixels.

    Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel CNN, 2016.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.nn.depth_to_space([[[[1.0, 2.0, 3.0, 4.0]]]], 2).numpy()[0, :, :, 0].tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    _check_format(data_format)
    (n, *sizes), b = ops.shape(input), int(block_size)
    h, w, c = (int(size or 0) for size in sizes)
    blocks = ops.transpose(ops.reshape(input, (n, h, w, b, b, c // b**2)), (0, 1, 3, 2, 4, 5))
    return as_tensor(ops.reshape(blocks, (n, h * b, w * b, c // b**2)))


def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: Any = None) -> Any:
    """The other way round: blocks of pixels become channels."""
    _check_format(data_format)
    (n, *sizes), b = ops.shape(input), int(block_size)
    h, w, c = (int(size or 0) for size in sizes)
    blocks = ops.transpose(ops.reshape(input, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
    return as_tensor(ops.reshape(blocks, (n, h // b, w // b, c * b**2)))


def dropout(x: Any, rate: float, noise_shape: Any = None, seed: Any = None, name: Any = None) -> Any:
    """Zeros with probability `rate`, and the rest multiplied by 1 / (1 - rate), in inference, too."""
    return as_tensor(draws.dropout(x, rate, noise_shape, None if seed is None else SeedGenerator(seed)))


def conv2d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: str = "SAME",
    data_format: str = "NHWC", dilations: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The transposed convolution with kernels (kh, kw, k, c); arguments as in `conv2d`.

    Args:
        output_shape: (n, h, w, k) of the result, which must be what strides and padding make.
    """
    _check_format(data_format)
    found = as_tensor(
        ops.conv_transpose(
            input, filters, strides=_two("strides", strides), padding=_padding(padding),
            dilation_rate=_two("dilations", 1 if dilations is None else dilations),
        )
    )  # fmt: skip
    if output_shape is not None and tuple(found.shape[1:]) != tuple(int(n) for n in output_shape[1:]):
        raise ValueError(
            f"conv2d_transpose: output_shape is {tuple(output_shape)}; expected {tuple(found.shape)}, which "
            f"strides and padding make"
        )
    return found


def zero_fraction(value: Any, name: Any = None) -> Any:
    """The part of the values that is zero."""
    return reduce_mean(ops.cast(ops.equal(value, 0.0), "float32"))


def _two(name: str, value: Any) -> tuple[int, int]:
    sizes = [int(n) for n in value] if isinstance(value, (list, tuple)) else [int(value)]
    if len(sizes) == 4 and sizes[0] == sizes[3] == 1:
        sizes = sizes[1:3]
    if len(sizes) not in (1, 2):
        raise ValueError(f"{name} is {value!r}; expected one integer, two, or [1, rows, columns, 1]")
    return sizes[0], sizes[-1]


def _padding(padding: Any) -> str:
    if not isinstance(padding, str):
        raise ValueError(f"padding is {padding!r}; expected 'SAME' or 'VALID'")
    return padding.lower()


def _check_format(data_format: str) -> None:
    if data_format != "NHWC":
        raise ValueError(f"data_format {data_format!r} is not supported; expected 'NHWC'")


__all__ = [
    *nn.__all__, "avg_pool", "avg_pool2d", "bias_add", "conv2d", "conv2d_transpose", "depth_to_space",
    "dropout", "space_to_depth", "l2_loss", "l2_normalize", "max_pool",
    "max_pool2d", "moments", "reduce_sum", "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits", "sparse_softmax_cross_entropy_with_logits", "zero_fraction",
]  # fmt: skip
