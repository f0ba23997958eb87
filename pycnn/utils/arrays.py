"""Arrays of labels and of vectors, transformed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    F64: TypeAlias = NDArray[np.float64]


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> F64:
    """Class numbers as one-hot vectors.

    Args:
        x: integers from 0 on, of any shape; a last axis of length one is dropped.
        num_classes: None for the largest plus one.

    Returns:
        A float64 array of the shape of x with an axis of length num_classes behind.

    Raises:
        TypeError, ValueError: if x has no integers, or some outside of the classes.

    Example:
        >>> import pycnn as keras
        >>> keras.utils.to_categorical([0, 2])
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    given = np.asarray(x)
    if given.dtype.kind not in "biuf":
        raise TypeError(f"to_categorical: x has dtype {given.dtype}; expected integers")
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise ValueError("to_categorical: x has NaN or infinite values; expected integers")
    labels = given.astype(np.int64)
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    labels = labels.reshape(-1)
    if num_classes is None and not labels.size:
        raise ValueError("to_categorical: x is empty; give `num_classes`")
    classes = (
        int(labels.max()) + 1
        if num_classes is None
        else as_int("to_categorical: num_classes", num_classes, 1)
    )
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(
            f"to_categorical: x has values from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}"
        )
    one_hot = np.zeros((labels.size, classes))
    one_hot[np.arange(labels.size), labels] = 1.0
    return one_hot.reshape((*shape, classes))


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """x divided by its norm along an axis; vectors of zeros stay.

    Args:
        x: array, or a symbol.
        axis: along which the norm is taken.
        order: of the norm.

    Returns:
        An array of x's shape; a symbol for a symbol, and a Tensor for a Tensor.

    Example:
        >>> import pycnn as keras
        >>> keras.utils.normalize([[3.0, 4.0]])
        array([[0.6, 0.8]])
    """
    if isinstance(x, (KerasTensor, Tensor)):
        from pycnn import ops

        return ops.normalize(x, axis=axis, order=order)
    array = np.asarray(x)
    norm = np.linalg.norm(array, order, axis, keepdims=True)
    return np.asarray(array / np.where(norm == 0, 1.0, norm))
