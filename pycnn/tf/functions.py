"""The functions that stand in `tf` itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from pycnn import ops
from pycnn.core.rows import RowCount
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Tensor, constant
from pycnn.core.user_variable import Variable as _Variable
from pycnn.tf.dtypes import numpy_dtype
from pycnn.tf.eager import as_array, as_tensor, quiet, translated

_X, _AXIS = ("x", "axis"), ("x", "axis", "keepdims")

abs = translated("abs", "abs", "abs")
add = translated("add", "add", "add")
subtract = translated("subtract", "subtract", "subtract")
multiply = translated("multiply", "multiply", "multiply")
divide = translated("divide", "divide")
pow = translated("pow", "power", "power")
maximum = translated("maximum", "maximum", "maximum")
minimum = translated("minimum", "minimum", "minimum")
square = translated("square", "square", "square")
sqrt = translated("sqrt", "sqrt")
exp = translated("exp", "exp")
sign = translated("sign", "sign", "sign")
round = translated("round", "round", "round")
sigmoid = translated("sigmoid", "sigmoid")
tanh = translated("tanh", "tanh")
cos = translated("cos", "cos")
sin = translated("sin", "sin")
floor = translated("floor", "floor")
_matmul = translated("matmul", "matmul", "matmul")
cumsum = translated("cumsum", "cumsum", "cumsum", first=_X)
roll = translated("roll", "roll", "roll", first=("x", "shift", "axis"), input="x")
atan = translated("atan", "arctan")
asin = translated("asin", "arcsin")
acos = translated("acos", "arccos")
tan = translated("tan", "tan")
cosh = translated("cosh", "cosh")
sinh = translated("sinh", "sinh")
tensordot = translated("tensordot", "tensordot", "tensordot")
einsum = translated("einsum", "einsum", "einsum")
clip_by_value = translated("clip_by_value", "clip", t="x", clip_value_min="x_min", clip_value_max="x_max")
equal = translated("equal", "equal", "equal")
not_equal = translated("not_equal", "not_equal", "not_equal")
greater = translated("greater", "greater", "greater")
greater_equal = translated("greater_equal", "greater_equal", "greater_equal")
less = translated("less", "less", "less")
less_equal = translated("less_equal", "less_equal", "less_equal")
logical_and = translated("logical_and", "logical_and", "logical_and")
logical_or = translated("logical_or", "logical_or", "logical_or")
logical_not = translated("logical_not", "logical_not", "logical_not")
where = translated("where", "where", condition="condition", x="x1", y="x2")
reduce_sum = translated("reduce_sum", "sum", "sum", first=_AXIS, input_tensor="x")
reduce_mean = translated("reduce_mean", "mean", first=_AXIS, input_tensor="x")
reduce_max = translated("reduce_max", "max", "max", first=_AXIS, input_tensor="x")
reduce_min = translated("reduce_min", "min", "min", first=_AXIS, input_tensor="x")
reduce_prod = translated("reduce_prod", "prod", "prod", first=_AXIS, input_tensor="x")
reduce_any = translated("reduce_any", "any", "any", first=_AXIS, input_tensor="x")
reduce_all = translated("reduce_all", "all", "all", first=_AXIS, input_tensor="x")
reduce_logsumexp = translated("reduce_logsumexp", "logsumexp", first=_AXIS, input_tensor="x")
reduce_std = translated("math.reduce_std", "std", first=_AXIS, input_tensor="x")
reduce_variance = translated("math.reduce_variance", "var", first=_AXIS, input_tensor="x")
norm = translated("norm", "norm", tensor="x")
stack = translated("stack", "stack", "stack", first=("x", "axis"), values="x")
tile = translated("tile", "tile", first=("x", "repeats"), input="x", multiples="repeats")
repeat = translated("repeat", "repeat", "repeat", first=("x", "repeats", "axis"), input="x")
transpose = translated("transpose", "transpose", "transpose", first=("x", "axes"), a="x", perm="axes")
squeeze = translated("squeeze", "squeeze", "squeeze", first=_X, input="x")
expand_dims = translated("expand_dims", "expand_dims", "expand_dims", first=_X, input="x")
stop_gradient = translated("stop_gradient", "stop_gradient", first=("variable",), input="variable")
reverse = translated("reverse", "flip", "flip", first=_X, tensor="x")
linspace = translated("linspace", "linspace", first=("start", "stop", "num"))


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None
) -> Any:
    """The product of matrices, the last two axes of a and b.

    Args:
        a: a symbol, a Tensor, an array or numbers.
        b: the same.
        transpose_a: whether the last two axes of a are exchanged before.
        transpose_b: the same of b.
        name: has no effect.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.matmul([[1.0, 2.0]], [[3.0, 4.0]], transpose_b=True).numpy().tolist()
        [[11.0]]
    """
    a = ops.swapaxes(a, -2, -1) if transpose_a else a
    return _matmul(a, ops.swapaxes(b, -2, -1) if transpose_b else b)


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """x as another type.

    Args:
        x: a symbol, a Tensor, an array or numbers.
        dtype: one of TensorFlow's, NumPy's or Python's, or its name.
        name: has no effect.

    Raises:
        TypeError: if these are no numbers, or there is no such type.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.cast([1.7, 2.2], tf.int32).numpy()
        array([1, 2], dtype=int32)
    """
    wanted = numpy_dtype("cast", dtype)
    if isinstance(x, KerasTensor) or (isinstance(x, Tensor) and x.is_recorded):
        return ops.cast(x, wanted.name)
    return Tensor(as_array("cast", x).astype(wanted))


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Any:
    """Numbers as a Tensor; a Tensor or a symbol as it is.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.convert_to_tensor([[1, 2]]).shape
        (1, 2)
    """
    if isinstance(value, (KerasTensor, Tensor)):
        return value if dtype is None else cast(value, dtype)
    array = as_array("convert_to_tensor", value)
    return Tensor(array if dtype is None else array.astype(numpy_dtype("convert_to_tensor", dtype)))


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """The values in another shape, one size of which may be -1; the first of a symbol is that of the samples.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.reshape([1, 2, 3, 4], (2, -1)).numpy().tolist()
        [[1, 2], [3, 4]]
    """
    if isinstance(shape, (tuple, list)):  # which may begin with None, as `tf.shape` gives it for a symbol
        sizes = tuple(size if size is None or isinstance(size, RowCount) else int(size) for size in shape)
    else:
        sizes = tuple(int(size) for size in as_array("reshape", shape).reshape(-1))
    if isinstance(tensor, KerasTensor) or (isinstance(tensor, Tensor) and tensor.is_recorded):
        return ops.reshape(tensor, sizes)
    return Tensor(as_array("reshape", tensor).reshape(sizes))


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of several arrays or numbers.

    Example:
        >>> import pycnn.tf as tf
        >>> float(tf.add_n([1.0, 2.0, 3.0]))
        6.0
    """
    given = list(inputs)
    if not given:
        raise ValueError("tf.add_n: inputs is empty; expected at least one array")
    total = as_tensor(given[0])
    for x in given[1:]:
        total = add(total, x)
    return total


def concat(values: Any, axis: int, name: str | None = None) -> Any:
    """Arrays one after the other along an axis.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.concat([[1], [2, 3]], axis=0).numpy().tolist()
        [1, 2, 3]
    """
    return _joined(values, axis=axis)


_joined = translated("concat", "concatenate", "concatenate", first=("xs",))


def argmax(input: Any, axis: int | None = None, output_type: Any = "int64", name: str | None = None) -> Any:
    """Numbers of the largest values along an axis, the first one where there is none given."""
    return _arg("argmax", input, axis, output_type)


def argmin(input: Any, axis: int | None = None, output_type: Any = "int64", name: str | None = None) -> Any:
    """Numbers of the smallest values along an axis, the first one where there is none given."""
    return _arg("argmin", input, axis, output_type)


def _arg(name: str, x: Any, axis: int | None, output_type: Any) -> Any:
    axis = 0 if axis is None else axis
    if isinstance(x, KerasTensor):
        return getattr(ops, name)(x, axis=axis)
    return Tensor(getattr(np, name)(as_array(name, x), axis=axis).astype(numpy_dtype(name, output_type)))


def one_hot(
    indices: Any,
    depth: int,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """Vectors with a 1 at the place of a number, zeros for numbers that are no place.

    Args:
        indices: class numbers.
        depth: number of classes.
        on_value: only None, for 1.
        off_value: only None, for 0.
        axis: of the classes; None for the last.
        dtype: None for float32.
        name: has no effect.

    Raises:
        ValueError: if another value than 0 or 1 is asked for.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.one_hot([0, 2, -1], 3).numpy().tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    if not (on_value in (None, 1) and off_value in (None, 0)):
        raise ValueError(
            f"one_hot: values {on_value!r} and {off_value!r} are not supported; expected 1 and 0"
        )
    if isinstance(indices, KerasTensor):
        return ops.one_hot(indices, depth, axis=-1 if axis is None else axis)
    numbers = as_array("one_hot", indices)
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"one_hot: indices have dtype {numbers.dtype}; expected integers")
    hot = (numbers[..., None] == np.arange(int(depth))).astype(numpy_dtype("one_hot", dtype or "float32"))
    return Tensor(hot if axis is None else np.moveaxis(hot, -1, axis))


def gather(params: Any, indices: Any, axis: int | None = None, batch_dims: int = 0, name: Any = None) -> Any:
    """What stands at the given numbers along an axis, the first one where there is none given."""
    if batch_dims:
        raise ValueError(f"gather: batch_dims {batch_dims!r} is not supported; expected 0")
    return as_tensor(ops.take(params, as_array("gather", indices), axis=0 if axis is None else axis))


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: float = 0, name: Any = None
) -> Any:
    """Values put around an array: pairs (before, after) for each axis."""
    pairs = [tuple(int(n) for n in pair) for pair in as_array("pad", paddings)]
    kind = mode.lower()
    return as_tensor(ops.pad(tensor, pairs, kind, constant_values if kind == "constant" else None))


def split(value: Any, num_or_size_splits: Any, axis: int = 0, name: str | None = None) -> list[Any]:
    """Parts along an axis: so many of one size, or of the given sizes."""
    given = as_array("split", num_or_size_splits)
    sections = int(given) if given.ndim == 0 else [int(n) for n in np.cumsum(given)[:-1]]
    return as_tensor(ops.split(value, sections, axis=axis))  # type: ignore[no-any-return]


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> list[Any]:
    """The parts of an array along an axis, without the axis."""
    return [Tensor(part) for part in np.moveaxis(as_array("unstack", value), axis, 0)]


def boolean_mask(tensor: Any, mask: Any, axis: int | None = None, name: str | None = None) -> Any:
    """What stands where a mask is true."""
    if axis:
        raise ValueError(f"boolean_mask: axis {axis!r} is not supported; expected None or 0")
    return Tensor(as_array("boolean_mask", tensor)[as_array("boolean_mask", mask).astype(bool)])


def _filled(name: str, value: float) -> Any:
    def function(shape: Any, dtype: Any = "float32", name: str | None = None) -> Tensor:
        sizes = tuple(int(size) for size in np.atleast_1d(as_array(title, shape)))
        return Tensor(np.full(sizes, value, numpy_dtype(title, dtype)))

    title = function.__name__ = function.__qualname__ = name
    function.__doc__ = f"A Tensor of {value:g} of a shape, float32 where no type is given."
    return function


zeros, ones = _filled("zeros", 0), _filled("ones", 1)


def _filled_like(name: str, function: Any) -> Any:
    def like(input: Any, dtype: Any = None, name: str | None = None) -> Any:
        if isinstance(input, KerasTensor):
            return getattr(ops, title)(input)
        array = as_array(title, input)
        return Tensor(function(array, dtype=array.dtype if dtype is None else numpy_dtype(title, dtype)))

    title = like.__name__ = like.__qualname__ = name
    like.__doc__ = f"`tf.{name}`: {name.partition('_')[0]} in the shape and type of another array."
    return like


zeros_like, ones_like = _filled_like("zeros_like", np.zeros_like), _filled_like("ones_like", np.ones_like)


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A Tensor of one value."""
    return Tensor(np.full([int(size) for size in as_array("fill", dims)], as_array("fill", value)))


def eye(num_rows: int, num_columns: int | None = None, dtype: Any = "float32", name: Any = None) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    return Tensor(np.eye(num_rows, num_columns, dtype=numpy_dtype("eye", dtype)))


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None
) -> Tensor:
    """Numbers from `start` (0 where there is one argument alone) to before `limit`."""
    start, limit = (0, start) if limit is None else (start, limit)
    values = [as_array("range", value) for value in (start, limit, delta)]
    found = np.arange(*values)
    return Tensor(found.astype(np.result_type(*values) if dtype is None else numpy_dtype("range", dtype)))


def shape(input: Any, out_type: Any = "int32", name: str | None = None) -> Any:
    """The sizes along the axes; None is that of the samples in a symbol."""
    if isinstance(input, KerasTensor):
        return ops.shape(input)
    return Tensor(np.array(np.shape(as_array("shape", input)), numpy_dtype("shape", out_type)))


def size(input: Any, out_type: Any = "int32", name: str | None = None) -> Tensor:
    """The number of values."""
    return Tensor(np.array(as_array("size", input).size, numpy_dtype("size", out_type)))


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of axes."""
    return Tensor(np.array(as_array("rank", input).ndim, np.int32))


def identity(input: Any, name: str | None = None) -> Any:
    """The same."""
    return input if isinstance(input, KerasTensor) else convert_to_tensor(input)


def is_tensor(x: Any) -> bool:
    """Whether it is a Tensor, a Variable or a symbol."""
    return isinstance(x, (KerasTensor, Tensor, _Variable))


@quiet(
    "validate_shape",
    "caching_device",
    "import_scope",
    "constraint",
    "synchronization",
    "experimental_enable_variable_lifting",
)
def Variable(
    initial_value: Any,
    trainable: bool = True,
    name: str | None = None,
    dtype: Any = None,
    shape: Any = None,
    aggregation: Any = None,
) -> _Variable:
    """An array that a GradientTape watches and that optimizers change; see `keras.Variable`.

    Args:
        initial_value: numbers, or a function without arguments that gives them.
        trainable: whether a GradientTape watches it by itself.
        name: None for an automatic one.
        dtype: None or float32; integers are kept as float32.
        shape: None, or that of the values.
        aggregation: has no effect.

    Example:
        >>> import pycnn.tf as tf
        >>> v = tf.Variable([1.0, 2.0])
        >>> v.assign_add([1.0, 1.0]).numpy().tolist()
        [2.0, 3.0]
    """
    value = initial_value() if callable(initial_value) else initial_value
    array = as_array("Variable", value)
    return _Variable(array, shape, None if dtype is None else str(dtype), trainable, name=name)


def function(func: Any = None, **kwargs: Any) -> Any:
    """A decorator that does nothing: what the function calls is compiled anyway.

    Args:
        func: the function; None where the decorator is called with arguments first.
        kwargs: `input_signature`, `jit_compile`, ... have no effect.

    Example:
        >>> import pycnn.tf as tf
        >>> @tf.function(jit_compile=True)
        ... def double(x):
        ...     return 2 * x
        >>> double(3)
        6
    """
    return (lambda given: given) if func is None else func


def get_logger() -> Any:
    """The logger of pycnn, which says nothing."""
    import logging

    return logging.getLogger("pycnn")


test = SimpleNamespace(
    is_gpu_available=lambda *args, **kwargs: False,
    gpu_device_name=lambda: "",
    is_built_with_cuda=lambda: False,
)


def executing_eagerly() -> bool:
    """True."""
    return True


@contextmanager
def device(device_name: Any) -> Iterator[None]:
    """A `with` block that runs where everything runs, on the CPU; ValueError for another device."""
    if device_name is not None and "CPU" not in str(device_name).upper():
        raise ValueError(f"tf.device: there is no {device_name!r}; pycnn computes on the CPU")
    yield


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """A `with` block without effect: names have no scopes."""
    yield name


__all__ = [
    "Variable", "abs", "acos", "add", "add_n", "argmax", "argmin", "asin", "atan", "boolean_mask", "cast",
    "clip_by_value", "concat", "constant", "convert_to_tensor", "cos", "cosh", "cumsum", "device", "divide",
    "einsum", "equal", "executing_eagerly", "exp", "expand_dims", "eye", "fill", "floor", "function",
    "gather", "get_logger", "greater", "greater_equal", "identity", "is_tensor", "less", "less_equal",
    "linspace", "logical_and", "logical_not", "logical_or", "matmul", "maximum", "minimum", "multiply",
    "name_scope", "norm", "not_equal", "one_hot", "ones", "ones_like", "pad", "pow", "range", "rank",
    "reduce_all", "reduce_any", "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min",
    "reduce_prod", "reduce_sum", "repeat", "reshape", "reverse", "roll", "round", "shape", "sigmoid",
    "sign", "sin", "sinh", "size", "split", "sqrt", "square", "squeeze", "stack", "stop_gradient",
    "subtract", "tan", "tanh", "tensordot", "test", "tile", "transpose", "unstack", "where", "zeros",
    "zeros_like",
]  # fmt: skip
