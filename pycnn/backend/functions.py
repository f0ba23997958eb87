"""The functions of the old `keras.backend`, by those of `keras.ops`: `K.mean(K.square(x), axis=-1)`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pycnn import ops
from pycnn.core.names import auto_name
from pycnn.core.operations import draws
from pycnn.core.seed_generator import SeedGenerator
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Tensor
from pycnn.core.tensor import constant as _constant
from pycnn.core.user_variable import Variable
from pycnn.core.variable import Variable as _AnyVariable

# Where names and order of the arguments are the same, or fewer are taken.
_SAME = (
    "abs", "all", "any", "arange", "cast", "concatenate", "cos", "dot", "elu", "equal", "exp", "eye",
    "greater", "greater_equal", "hard_sigmoid", "less", "less_equal", "log", "logsumexp", "max",
    "maximum", "mean", "min", "minimum", "ndim", "not_equal", "prod", "reshape", "round", "shape",
    "sigmoid", "sign", "sin", "softmax", "softplus", "softsign", "sqrt", "square", "squeeze", "stack",
    "std", "stop_gradient", "sum", "tanh", "tile", "transpose", "var",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _SAME:
        return getattr(ops, name)
    raise AttributeError(name)


# --- values -------------------------------------------------------------------------------------------------
def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A Variable with these values."""
    if constraint is not None:
        raise ValueError(f"variable: `constraint` is not supported; expected None, not {constraint!r}")
    return Variable(value, dtype=dtype, name=name)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A Tensor with these values."""
    return _constant(value, dtype, shape, name)


def get_value(x: Any) -> Any:
    """The values of a weight or Tensor, as an array."""
    if isinstance(x, KerasTensor):
        raise TypeError(f"get_value: {x!r} is a symbol of a model and has no values; use `predict`")
    return np.array(x)


eval = get_value


def set_value(x: Any, value: Any) -> None:
    """Sets the values of a weight.

    A learning rate is an attribute: `optimizer.learning_rate = 0.1`.

    Raises:
        TypeError: if x is no weight.
    """
    if not isinstance(x, _AnyVariable):
        raise TypeError(
            f"set_value: {x!r:.200} is no weight. A learning rate is set by `optimizer.learning_rate = value`"
        )
    x.assign(value)


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values of several."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Sets the values of several weights, given as pairs (weight, value)."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Any, new_x: Any) -> Any:
    """x.assign(new_x)"""
    return x.assign(new_x)


def update_add(x: Any, increment: Any) -> Any:
    """x.assign_add(increment)"""
    return x.assign_add(increment)


def update_sub(x: Any, decrement: Any) -> Any:
    """x.assign_sub(decrement)"""
    return x.assign_sub(decrement)


def count_params(x: Any) -> int:
    """The number of values."""
    return math.prod(size or 1 for size in int_shape(x))


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape as a tuple, None for the axis of the samples."""
    return tuple(x.shape)


def dtype(x: Any) -> str:
    """The name of the type."""
    return str(x.dtype)


def cast_to_floatx(x: Any) -> Any:
    """As float32."""
    return ops.cast(x, "float32")


# --- functions ----------------------------------------------------------------------------------------------
def argmax(x: Any, axis: int = -1) -> Any:
    """Numbers of the largest values along an axis."""
    return ops.argmax(x, axis=axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Numbers of the smallest values along an axis."""
    return ops.argmin(x, axis=axis)


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """Values brought into limits; None for no limit."""
    low, high = -np.inf if min_value is None else min_value, np.inf if max_value is None else max_value
    return ops.clip(x, low, high)


def pow(x: Any, a: Any) -> Any:
    """x to the power of a."""
    return ops.power(x, a)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """max(x, 0), with a slope, an upper limit and a threshold."""
    return ops.relu(x, alpha, max_value=max_value, threshold=threshold)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """x with one more axis, of length 1."""
    return ops.expand_dims(x, axis)


def flatten(x: Any) -> Any:
    """All values in a row."""
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """The values of each sample in a row."""
    return ops.reshape(x, (-1, count_params(x[0]) if not isinstance(x, KerasTensor) else _values_of(x)))


def _values_of(x: KerasTensor) -> int:
    return math.prod(x.sample_shape)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """x with its axes in another order."""
    return ops.transpose(x, pattern)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each value `rep` times, along an axis."""
    return ops.repeat(x, rep, axis=axis)


def reverse(x: Any, axes: Any) -> Any:
    """x in reverse order along axes."""
    return ops.flip(x, axes)


def gather(reference: Any, indices: Any) -> Any:
    """What stands at numbers along the first axis."""
    return ops.take(reference, indices, axis=0)


def one_hot(indices: Any, num_classes: int) -> Any:
    """One-hot vectors of class numbers."""
    return ops.one_hot(indices, num_classes)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One value where a condition is true, another where it is not; functions are called for theirs."""
    then_value, else_value = (f() if callable(f) else f for f in (then_expression, else_expression))
    return ops.where(condition, then_value, else_value)


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """x divided by its Euclidean norm along axes; by that of all values for None."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, 1e-12)))


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Cross-entropy of each value."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """Cross-entropy of each sample with one-hot targets."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Cross-entropy of each sample with class numbers."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def bias_add(x: Any, bias: Any, data_format: Any = None) -> Any:
    """A number for each channel added."""
    return ops.add(x, bias)


def conv2d(
    x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """A convolution of images (n, h, w, c) with kernels (kh, kw, c, k)."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def depthwise_conv2d(
    x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """A convolution of each channel by itself."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def pool2d(
    x: Any, pool_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: Any = None,
    pool_mode: str = "max",
) -> Any:  # fmt: skip
    """The largest values ('max') or the means ('avg') of windows."""
    if pool_mode not in ("max", "avg"):
        raise ValueError(f"pool2d: pool_mode is {pool_mode!r}; expected 'max' or 'avg'")
    pool = ops.max_pool if pool_mode == "max" else ops.average_pool
    return pool(x, pool_size, strides, padding, data_format)


def gradients(loss: Any, variables: Any) -> Any:
    """The gradients of the sum of a symbol by others, as symbols: `K.gradients(loss, model.input)[0]`.

    Args:
        loss: a symbol of a model, or one that is computed from it.
        variables: symbols or weights that it is computed from: one, or a list of them.

    Returns:
        A list of symbols.
    """
    by = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    return list(ops.gradient(loss, by))


def function(
    inputs: Any, outputs: Any, updates: None = None, name: str | None = None
) -> Callable[[Any], Any]:
    """A function of arrays, from symbols of a model to others: `K.function([model.input], [layer.output])`.

    Args:
        inputs: a symbol or a list of them.
        outputs: the same.
        updates: only None.
        name: has no effect.

    Returns:
        f(arrays), with the results in the structure of `outputs`.

    Example:
        >>> import pycnn as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.ReLU()])
        >>> keras.backend.function([model.input], [model.layers[0].output])([[[-1.0, 1.0]]])
        [array([[0., 1.]], dtype=float32)]
    """
    from pycnn.models import Model

    if updates:
        raise ValueError(f"function: `updates` is not supported; expected None, not {updates!r:.100}")
    model = Model(inputs, outputs)
    single = not isinstance(outputs, (list, tuple, dict))

    def call(arrays: Any) -> Any:
        given = (
            arrays
            if isinstance(inputs, dict) or len(model.inputs) > 1
            else np.asarray(_first(arrays, inputs))
        )
        result = model.predict_on_batch(given)
        several = isinstance(result, (list, tuple, dict))
        return result if single or several else [result]

    return call


def _first(arrays: Any, inputs: Any) -> Any:
    """The one array, alone or in a list as `inputs` is."""
    return arrays[0] if isinstance(inputs, (list, tuple)) and isinstance(arrays, (list, tuple)) else arrays


# --- new arrays ---------------------------------------------------------------------------------------------
def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable of zeros."""
    return Variable(np.zeros(shape), dtype=dtype, name=name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable of ones."""
    return Variable(np.ones(shape), dtype=dtype, name=name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros in the shape of x."""
    return ops.zeros_like(x)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones in the shape of x."""
    return ops.ones_like(x)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers: an array; a symbol in a layer's `call` and where the shape has None."""
    return draws.normal(shape, mean, stddev, seed=_seed(seed))


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Numbers from `minval` to below `maxval`; as in `random_normal`."""
    return draws.uniform(shape, minval, maxval, seed=_seed(seed))


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """1 with probability p, else 0; as in `random_normal`."""
    return ops.cast(draws.uniform(shape, seed=_seed(seed)) < p, "float32")


random_binomial = random_bernoulli


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers within two standard deviations, as an array."""
    return draws.truncated_normal(shape, mean, stddev, seed=_seed(seed))


def _seed(seed: Any) -> Any:
    """A seed that lets runs of a `call` differ."""
    return None if seed is None else SeedGenerator(seed)


# --- names and types ----------------------------------------------------------------------------------------
def get_uid(prefix: str = "") -> int:
    """A number that this prefix has not had yet, from 1 on."""
    name = auto_name(f"uid_{prefix}")
    tail = name.rpartition("_")[2]
    return int(tail) + 1 if tail.isdigit() else 1


def is_keras_tensor(x: Any) -> bool:
    """Whether it is a symbol of a model."""
    return isinstance(x, KerasTensor)


def standardize_dtype(dtype: Any) -> str:
    """The name of a type; 'float32' for None."""
    return "float32" if dtype is None else str(np.dtype(dtype))


def is_float_dtype(dtype: Any) -> bool:
    """Whether a type is one of numbers with fractions."""
    return np.dtype(standardize_dtype(dtype)).kind == "f"


def is_int_dtype(dtype: Any) -> bool:
    """Whether a type is one of integers."""
    return np.dtype(standardize_dtype(dtype)).kind in "iu"
