"""TensorFlow's `tf.linalg`: products, norms, diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn import ops
from pycnn.tf.eager import as_tensor
from pycnn.tf.functions import einsum, eye, matmul, norm, tensordot
from pycnn.tf.math import l2_normalize


def diag_part(input: Any, name: str | None = None, k: int = 0) -> Any:
    """The diagonals of matrices, which are the last two axes.

    Args:
        input: a symbol, a Tensor or an array.
        name: has no effect.
        k: how far above the main diagonal.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.linalg.diag_part([[1.0, 2.0], [3.0, 4.0]]).numpy().tolist()
        [1.0, 4.0]
    """
    return as_tensor(ops.diagonal(input, k, -2, -1))


def trace(x: Any, name: str | None = None) -> Any:
    """The sums of the diagonals of matrices, which are the last two axes."""
    return as_tensor(ops.trace(x, 0, -2, -1))


def band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Any:
    """Matrices with zeros but for so many diagonals below and above the main one; -1 for all.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.linalg.band_part([[1.0, 2.0], [3.0, 4.0]], 0, -1).numpy().tolist()
        [[1.0, 2.0], [0.0, 4.0]]
    """
    lower = input if num_lower < 0 else ops.triu(input, -num_lower)
    return as_tensor(lower if num_upper < 0 else ops.tril(lower, num_upper))


def set_diag(input: Any, diagonal: Any, name: str | None = None) -> Any:
    """Matrices with other values on their main diagonals."""
    rows, columns = input.shape[-2:]
    mask = np.eye(rows, columns, dtype=np.float32)
    return as_tensor(ops.where(mask, ops.expand_dims(diagonal, -1), input))


def matrix_transpose(a: Any, name: str | None = None) -> Any:
    """The last two axes exchanged."""
    return as_tensor(ops.swapaxes(a, -2, -1))


__all__ = [
    "band_part", "diag_part", "einsum", "eye", "l2_normalize", "matmul", "matrix_transpose", "norm",
    "set_diag", "tensordot", "trace",
]  # fmt: skip
