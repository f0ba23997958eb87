"""TensorFlow's `tf.nn`: the activation functions of `pycnn.nn`, losses from logits, convolutions."""

from __future__ import annotations

from typing import Any

from pycnn import nn, ops
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
    *nn.__all__, "avg_pool", "avg_pool2d", "bias_add", "conv2d", "l2_loss", "l2_normalize", "max_pool",
    "max_pool2d", "moments", "reduce_sum", "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits", "sparse_softmax_cross_entropy_with_logits", "zero_fraction",
]  # fmt: skip
