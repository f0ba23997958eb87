"""Diagonals and triangles of matrices, and products with triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.operations.arithmetic import where
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axis_of, refuse_batch, within_sample
from pycnn.core.operations.conversion import cast
from pycnn.core.operations.documentation import ON_MATRICES, documented
from pycnn.core.operations.joining import concatenate
from pycnn.core.operations.nodes import strides_of, viewed
from pycnn.core.operations.products import matmul
from pycnn.core.operations.reductions import sum
from pycnn.core.operations.shapes import expand_dims, moveaxis, ravel


@documented(ON_MATRICES)
@operation(arrays=lambda x, offset, axis1, axis2: np.diagonal(x, offset, axis1, axis2), dtype="same")
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of matrices, along a new last axis.

    Args:
        x: a symbol or an array of two axes or more.
        offset: how far above the main diagonal; below it where it is negative.
        axis1: of the rows.
        axis2: of the columns. Neither may be the batch axis.

    >>> from pycnn import ops
    >>> ops.diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    first, second = axis_of(x.name, axis1, x.ndim), axis_of(x.name, axis2, x.ndim)
    if first == second:
        raise ValueError(f"{x.name}: axis1 and axis2 are both {axis1}; expected two axes")
    first, second = within_sample(x, (first, second), "give two other axes")
    rows, columns = x.sample[first], x.sample[second]
    below, above = max(-offset, 0), max(offset, 0)
    length = min(rows - below, columns - above)
    if length < 1:
        raise ValueError(f"{x.name}: matrices of {rows} x {columns} have no diagonal {offset}")
    strides = strides_of(x.sample)
    others = [axis for axis in range(len(x.sample)) if axis not in (first, second)]
    return viewed(
        x,
        [*(x.sample[axis] for axis in others), length],
        [*(strides[axis] for axis in others), strides[first] + strides[second]],
        below * strides[first] + above * strides[second],
    )


@documented(ON_MATRICES)
@operation()
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sums of the diagonals of matrices.

    Args:
        x: a symbol or an array of two axes or more.
        offset: how far above the main diagonal; below it where it is negative.
        axis1: of the rows.
        axis2: of the columns. Neither may be the batch axis.

    >>> from pycnn import ops
    >>> float(ops.trace([[1.0, 2.0], [3.0, 4.0]]))
    5.0
    """
    return sum(diagonal(x, offset, axis1, axis2), -1)


@documented(ON_MATRICES)
@operation(arrays=lambda x, k: np.diag(x, k), dtype="same")
def diag(x: Any, k: int = 0) -> Any:
    """The matrix that has a vector as a diagonal, or the diagonal of a matrix.

    Args:
        x: a symbol without a batch axis, or an array, of one axis or two.
        k: how far above the main diagonal; below it where it is negative.

    >>> from pycnn import ops
    >>> ops.diag([1, 2]).tolist()
    [[1, 0], [0, 2]]
    """
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"{x.name}: x has shape {x.shape}; expected one axis or two")
    if x.is_batched:
        raise refuse_batch(x, "make it of keras.ops.eye and a product")
    n = x.sample[0]
    matrix = where(x.constant(np.eye(n)), expand_dims(x, 1), 0.0)
    if k:
        columns, rows = x.constant(np.zeros((n, abs(k)))), x.constant(np.zeros((abs(k), n + abs(k))))
        matrix = concatenate([columns, matrix] if k > 0 else [matrix, columns], 1)
        matrix = concatenate([matrix, rows] if k > 0 else [rows, matrix], 0)
    return matrix


def _triangle(x: Any, k: int, lower: bool) -> Any:
    """x where a triangle of its last two axes is, else 0."""
    if x.ndim < 2:
        raise ValueError(f"{x.name}: x has shape {x.shape}; expected two axes or more")
    rows, columns = within_sample(x, (x.ndim - 2, x.ndim - 1), "x needs two axes besides")
    inside = np.tri(x.sample[rows], x.sample[columns], k if lower else k - 1)
    return where(x.constant(inside if lower else 1 - inside), x, 0.0)


@documented(ON_MATRICES)
@operation(arrays=lambda x, k: np.tril(x, k), dtype="same")
def tril(x: Any, k: int = 0) -> Any:
    """Matrices with zeros above a diagonal.

    Args:
        x: a symbol or an array, whose last two axes are those of matrices.
        k: how far the diagonal is above the main one.

    >>> from pycnn import ops
    >>> ops.tril([[1, 2], [3, 4]]).tolist()
    [[1, 0], [3, 4]]
    """
    return _triangle(x, k, True)


@documented(ON_MATRICES)
@operation(arrays=lambda x, k: np.triu(x, k), dtype="same")
def triu(x: Any, k: int = 0) -> Any:
    """Matrices with zeros below a diagonal.

    Args:
        x: a symbol or an array, whose last two axes are those of matrices.
        k: how far the diagonal is above the main one.

    >>> from pycnn import ops
    >>> ops.triu([[1, 2], [3, 4]]).tolist()
    [[1, 2], [0, 4]]
    """
    return _triangle(x, k, False)


@operation(arrays=lambda x, axis: np.cumsum(x, axis), dtype="same")
def _cumsum(x: Any, axis: int) -> Any:
    (place,) = within_sample(x, (axis_of(x.name, axis, x.ndim),), "give another axis")
    n = x.sample[place]
    sums = matmul(moveaxis(x, axis, -1), x.constant(np.triu(np.ones((n, n)))))
    return moveaxis(sums, -1, axis)


@documented(ON_MATRICES)
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The sums of all values up to each place along an axis.

    Args:
        x: a symbol or an array.
        axis: along which, not the batch axis; None for all values in one row.
        dtype: as in `cast`; None for that of x.

    >>> from pycnn import ops
    >>> ops.cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    """
    y = _cumsum(ravel(x), 0) if axis is None else _cumsum(x, axis)
    return y if dtype is None else cast(y, dtype)
