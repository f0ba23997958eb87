"""Types, and shapes as numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pycnn.core.function import is_tracing
from pycnn.core.operations.base import operation
from pycnn.core.operations.nodes import mapped
from pycnn.core.operations.value import Value
from pycnn.core.rows import RowCount, Rows
from pycnn.core.serialization import dtype_name
from pycnn.core.symbolic import KerasTensor, as_symbol
from pycnn.core.tensor import Tensor
from pycnn.core.variable import Variable

_FLOATS = ("float32", "float64", "float16", "bfloat16")
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def checked_dtype(name: str, dtype: Any) -> str:
    """'bool', an integer type, or 'float32' for None and all floats."""
    given = dtype_name(dtype)
    text = "float32" if given is None else given if isinstance(given, str) else np.dtype(given).name
    if text in _FLOATS:
        return "float32"
    if text not in (*_INTEGERS, "bool"):
        raise ValueError(f"{name}: dtype is {dtype!r}; expected 'float32', 'bool' or an integer type")
    return text


def _array_cast(x: Any, dtype: str) -> Any:
    return np.trunc(x) if dtype in _INTEGERS and x.dtype.kind == "f" else x != 0 if dtype == "bool" else x


@operation(arrays=_array_cast, dtype=lambda dtype: dtype)
def _cast(x: Any, dtype: str) -> Any:
    if dtype == "bool":
        return mapped("not_equal", x, 0.0)
    if dtype in _INTEGERS:
        return mapped("multiply", mapped("sign", x), mapped("floor", mapped("abs", x)))
    return x


def cast(x: Any, dtype: Any) -> Any:
    """The values as another type: integers lose their fraction, as bool what is not 0 is true.

    Args:
        x: a symbol, or an array of any shape.
        dtype: 'bool', an integer type or a float. All floats are float32 here.

    Returns:
        A symbol of that dtype for a symbol, which holds floats all the same; else an array of it.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.
        ValueError: if there is no such type.

    Source: keras.ops.cast.

    >>> from pycnn import ops
    >>> ops.cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    return _cast(x, checked_dtype("cast", dtype))


def convert_to_tensor(x: Any, dtype: Any = None, sparse: None = None, ragged: None = None) -> Any:
    """An array of one's own: float32, or of its own type where it has integers or booleans.

    Args:
        x: a symbol, a weight, or an array of any shape.
        dtype: as in `cast`, or None.
        sparse: only None, as `ragged`.
        ragged: only None.

    Returns:
        A symbol for a symbol, and for a weight in a layer's `call`; else an array.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.
        ValueError: if there is no such type.

    Source: keras.ops.convert_to_tensor.

    >>> from pycnn import ops
    >>> ops.convert_to_tensor([1.0, 2.0]).dtype.name
    'float32'
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: sparse and ragged arrays are not available")
    if isinstance(x, KerasTensor) or (is_tracing() and isinstance(x, Variable)):
        return as_symbol(x) if dtype is None else cast(x, dtype)
    if isinstance(x, Tensor):
        return x if dtype is None else cast(x, dtype)
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"convert_to_tensor: x has dtype {array.dtype}; expected real numbers")
    return (
        np.array(array, np.float32 if array.dtype.kind == "f" else None)
        if dtype is None
        else cast(array, dtype)
    )


def convert_to_numpy(x: Any) -> Any:
    """The values as a NumPy array.

    Args:
        x: a weight or an array of any shape.

    Returns:
        An array.

    Raises:
        TypeError: if x is a symbol, which has no values.

    Source: keras.ops.convert_to_numpy.

    >>> from pycnn import ops
    >>> ops.convert_to_numpy([1, 2]).tolist()
    [1, 2]
    """
    return np.array(x)


def shape(x: Any) -> tuple[Any, ...]:
    """The shape, with None for a batch axis.

    Args:
        x: a symbol, a weight, or an array.

    Returns:
        A tuple. The first size of a symbol with a batch axis, which equals None, may stand in a shape again,
        also times the sizes of other axes: `reshape(x, (shape(x)[0] * 4, -1))`; and in arithmetic of symbols
        it is the number of samples.

    Raises:
        ValueError: if x is a list whose parts differ in size.

    Source: keras.ops.shape.

    >>> from pycnn import ops
    >>> ops.shape([[1, 2]])
    (1, 2)
    """
    if isinstance(x, Rows):
        return (*x.shape[: x.at], RowCount(x.whole, x.count), *x.shape[x.at + 1 :])
    if isinstance(x, KerasTensor) and x.is_batched:
        return (RowCount(x), *x.shape[1:])
    return x.shape if isinstance(x, (KerasTensor, Tensor, Variable, Value)) else np.shape(x)


def ndim(x: Any) -> int:
    """How many axes there are, the batch axis included.

    Args:
        x: a symbol, a weight, or an array.

    Returns:
        An integer.

    Raises:
        ValueError: if x is a list whose parts differ in size.

    Source: numpy.ndim.

    >>> from pycnn import ops
    >>> ops.ndim([[1, 2]])
    2
    """
    return len(shape(x))


def size(x: Any) -> int | None:
    """How many values there are.

    Args:
        x: a symbol, a weight, or an array.

    Returns:
        An integer; None for a symbol with a batch axis.

    Raises:
        ValueError: if x is a list whose parts differ in size.

    Source: numpy.size.

    >>> from pycnn import ops
    >>> ops.size([[1, 2]])
    2
    """
    sizes = x.shape if isinstance(x, KerasTensor) else shape(x)
    return None if None in sizes else math.prod(n for n in sizes if n is not None)


def is_tensor(x: Any) -> bool:
    """Whether x is an array, a weight or a symbol.

    Args:
        x: anything.

    Returns:
        True or False.

    Raises:
        Nothing.

    Source: keras.ops.is_tensor.

    >>> from pycnn import ops
    >>> ops.is_tensor([1, 2])
    False
    """
    return isinstance(x, (KerasTensor, Tensor, Variable, np.ndarray))
