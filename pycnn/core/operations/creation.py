"""Arrays and symbols of given numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import MixesSamplesError
from pycnn.core.operations.conversion import cast, checked_dtype
from pycnn.core.operations.joining import broadcast_to
from pycnn.core.operations.nodes import filled
from pycnn.core.rows import Rows, by_samples, plain_sizes


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
        shape: integers; None first for the number of samples, as `keras.ops.shape` of a symbol has it.
        fill_value: the number, or numbers that broadcast to the shape.
        dtype: as in `cast`; None for 'float32'.

    Returns:
        An array; a symbol where the number of samples is not known yet.

    Raises:
        ValueError: if there is no such type; if shape has None on another axis.

    Source: numpy.full.

    >>> from pycnn import ops
    >>> ops.full(2, 3.0).tolist()
    [3.0, 3.0]
    """
    shape = plain_sizes(shape)
    sizes = shape if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
    if (whole := by_samples(sizes)) is not None:
        return Rows(full(whole, fill_value, dtype))
    if None in tuple(sizes)[1:]:
        raise MixesSamplesError(
            f"full: shape is {tuple(sizes)}; expected integers, and None, the number of samples, on the "
            f"first axis alone"
        )
    if tuple(sizes[:1]) == (None,):
        number = np.broadcast_to(np.asarray(fill_value, np.float32), (1, *sizes[1:]))
        return cast(broadcast_to(number, tuple(sizes)), checked_dtype("full", dtype))
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
