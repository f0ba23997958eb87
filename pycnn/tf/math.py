"""TensorFlow's `tf.math`: functions of `tf` under their further names, and some more."""

from __future__ import annotations

from typing import Any

from pycnn import ops
from pycnn.tf.eager import as_tensor, translated
from pycnn.tf.functions import (
    abs,
    acos,
    add,
    argmax,
    argmin,
    asin,
    atan,
    cos,
    cosh,
    cumsum,
    divide,
    equal,
    exp,
    floor,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    not_equal,
    pow,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_std,
    reduce_sum,
    reduce_variance,
    round,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
)

ceil = translated("math.ceil", "ceil")
erf = translated("math.erf", "erf")
expm1 = translated("math.expm1", "expm1")
is_finite = translated("math.is_finite", "isfinite")
is_inf = translated("math.is_inf", "isinf")
is_nan = translated("math.is_nan", "isnan")
log = translated("math.log", "log")
log1p = translated("math.log1p", "log1p")
mod = floormod = translated("math.mod", "mod", "mod")
negative = translated("math.negative", "negative", "negative")
reciprocal = translated("math.reciprocal", "reciprocal")
rsqrt = translated("math.rsqrt", "rsqrt")
softplus = translated("math.softplus", "softplus")

_EPSILON = 1e-12


def l2_normalize(x: Any, axis: Any = None, epsilon: float = _EPSILON, name: str | None = None) -> Any:
    """x / sqrt(max(sum(x²), epsilon)), the sum along some axes or, where there are none given, all.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.math.l2_normalize([3.0, 4.0]).numpy().tolist()
        [0.6000000238418579, 0.800000011920929]
    """
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return as_tensor(ops.multiply(x, ops.rsqrt(ops.maximum(squares, epsilon))))


def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y, and 0 where y is 0."""
    nothing = ops.equal(y, 0.0)
    return as_tensor(ops.where(nothing, 0.0, ops.divide(x, ops.where(nothing, 1.0, y))))


def squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    """(x - y)²."""
    return as_tensor(ops.square(ops.subtract(x, y)))


__all__ = [
    "abs", "acos", "add", "argmax", "argmin", "asin", "atan", "ceil", "cos", "cosh", "cumsum", "divide",
    "divide_no_nan", "equal", "erf", "exp", "expm1", "floor", "floormod", "greater", "greater_equal",
    "is_finite", "is_inf", "is_nan", "l2_normalize", "less", "less_equal", "log", "log1p", "logical_and",
    "logical_not", "logical_or", "maximum", "minimum", "mod", "multiply", "negative", "not_equal", "pow",
    "reciprocal", "reduce_all", "reduce_any", "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min",
    "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance", "round", "rsqrt", "sigmoid", "sign",
    "sin", "sinh", "softplus", "sqrt", "square", "squared_difference", "subtract", "tan", "tanh",
]  # fmt: skip
