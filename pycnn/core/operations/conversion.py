"""Types, shapes as numbers, and arrays from nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pycnn.core.function import is_tracing
from pycnn.core.operations.base import Value, operation
from pycnn.core.operations.nodes import filled, mapped
from pycnn.core.serialization import dtype_name
from pycnn.core.symbolic import KerasTensor, as_symbol
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


def shape(x: Any) -> tuple[int | None, ...]:
    """The shape, with None for a batch axis.

    Args:
        x: a symbol, a weight, or an array.

    Returns:
        A tuple. Its None may stand in `reshape` and `broadcast_to` again.

    Raises:
        ValueError: if x is a list whose parts differ in size.

    Source: keras.ops.shape.

    >>> from pycnn import ops
    >>> ops.shape([[1, 2]])
    (1, 2)
    """
    return x.shape if isinstance(x, (KerasTensor, Variable, Value)) else np.shape(x)


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
    sizes = shape(x)
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
    return isinstance(x, (KerasTensor, Variable, np.ndarray))


# --- arrays from nothing ------------------------------------------------------------------------------------
def zeros(shape: Any, dtype: Any = None) -> Any:
    """An array of zeros.

    Args:
        shape: integers.
        dtype: as in `cast`; None for 'float32'.

    Returns:
        An array.

    Raises:
        ValueError: if there is no such type.

    Source: numpy.zeros.

    >>> from pycnn import ops
    >>> ops.zeros(2).tolist()
    [0.0, 0.0]
    """
    return full(shape, 0.0, dtype)


def ones(shape: Any, dtype: Any = None) -> Any:
    """An array of ones.

    Args:
        shape: integers.
        dtype: as in `cast`; None for 'float32'.

    Returns:
        An array.

    Raises:
        ValueError: if there is no such type.

    Source: numpy.ones.

    >>> from pycnn import ops
    >>> ops.ones(2).tolist()
    [1.0, 1.0]
    """
    return full(shape, 1.0, dtype)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """An array of one number.

    Args:
        shape: integers.
        fill_value: the number, or numbers that broadcast to the shape.
        dtype: as in `cast`; None for 'float32'.

    Returns:
        An array.

    Raises:
        ValueError: if there is no such type; if shape has None: full_like takes a symbol's.

    Source: numpy.full.

    >>> from pycnn import ops
    >>> ops.full(2, 3.0).tolist()
    [3.0, 3.0]
    """
    sizes = shape if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
    if any(n is None for n in sizes):
        raise ValueError(
            f"full: shape is {tuple(sizes)}; expected integers; zeros_like, ones_like and full_like take "
            f"the shape of a symbol with its batch axis"
        )
    return np.full(tuple(sizes), fill_value, checked_dtype("full", dtype))


@operation(arrays=lambda x, value: np.full(x.shape, value), dtype="float32")
def _full_like(x: Any, value: float) -> Any:
    return filled(x, value)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """A number in the shape of another array.

    Args:
        x: a symbol, or an array of any shape.
        fill_value: the number.
        dtype: as in `cast`; None for 'float32'.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.
        ValueError: if there is no such type.

    Source: numpy.full_like.

    >>> from pycnn import ops
    >>> ops.full_like([1.0, 2.0], 3).tolist()
    [3.0, 3.0]
    """
    y = _full_like(x, float(fill_value))
    return y if dtype is None else cast(y, dtype)


def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape of another array.

    Args:
        x: a symbol, or an array of any shape.
        dtype: as in `cast`; None for 'float32'.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.
        ValueError: if there is no such type.

    Source: numpy.zeros_like.

    >>> from pycnn import ops
    >>> ops.zeros_like([1.0, 2.0]).tolist()
    [0.0, 0.0]
    """
    return full_like(x, 0.0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones in the shape of another array.

    Args:
        x: a symbol, or an array of any shape.
        dtype: as in `cast`; None for 'float32'.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.
        ValueError: if there is no such type.

    Source: numpy.ones_like.

    >>> from pycnn import ops
    >>> ops.ones_like([1.0, 2.0]).tolist()
    [1.0, 1.0]
    """
    return full_like(x, 1.0, dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on a diagonal, zeros elsewhere.

    Args:
        N: rows.
        M: columns; None for as many.
        k: which diagonal: 0 for the main one, 1 for the one above.
        dtype: as in `cast`; None for 'float32'.

    Returns:
        An array.

    Raises:
        ValueError: if there is no such type.

    Source: numpy.eye.

    >>> from pycnn import ops
    >>> ops.eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(N, M, k, checked_dtype("eye", dtype))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Numbers with equal distances.

    Args:
        start: the first one; the end, from 0 on, where `stop` is None.
        stop: the end, which is not among them.
        step: the distance; None for 1.
        dtype: as in `cast`; None for 'int32' for integers, else 'float32'.

    Returns:
        An array.

    Raises:
        ValueError: if there is no such type.

    Source: numpy.arange.

    >>> from pycnn import ops
    >>> ops.arange(3).tolist()
    [0, 1, 2]
    """
    first, end = (0, start) if stop is None else (start, stop)
    numbers = np.arange(first, end, 1 if step is None else step)
    if dtype is None:
        return numbers.astype(np.float32 if numbers.dtype.kind == "f" else np.int32)
    return numbers.astype(checked_dtype("arange", dtype))


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """So many numbers with equal distances.

    Args:
        start: the first one.
        stop: the last one.
        num: how many.
        endpoint: whether `stop` is among them.
        retstep: whether the distance is returned, too.
        dtype: as in `cast`; None for 'float32'.
        axis: of the result, where start and stop are arrays.

    Returns:
        An array, or a pair of it and the distance.

    Raises:
        ValueError: if there is no such type.

    Source: numpy.linspace.

    >>> from pycnn import ops
    >>> ops.linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    numbers, step = np.linspace(start, stop, num, endpoint, retstep=True, axis=axis)
    numbers = numbers.astype(checked_dtype("linspace", dtype))
    return (numbers, step) if retstep else numbers
