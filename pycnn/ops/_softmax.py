"""Softmax and the cross-entropy behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycnn import _core
from pycnn.core.arrays import as_float32
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axis_of, within_sample
from pycnn.core.operations.nodes import permuted

from . import arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from pycnn.core.arrays import F32
    from pycnn.core.operations.value import Value


def _checked(name: str, value: ArrayLike, axis: int) -> tuple[F32, int]:
    x = as_float32(name, value)
    if x.ndim == 0:
        raise ValueError(f"{name} is a single number; expected an array of at least one dimension")
    axis = arguments.as_axis(axis, x.ndim)
    if x.shape[axis] == 0:
        raise ValueError(f"{name} has shape {x.shape}; expected at least one element along axis {axis}")
    return x, axis


def _along(axis: int, function: Callable[..., F32], *arrays: F32) -> F32:
    """The function, which works along the last axis of matrices, along any axis."""
    moved = [np.moveaxis(array, axis, -1) for array in arrays]
    rows = [np.ascontiguousarray(array).reshape(-1, array.shape[-1]) for array in moved]
    return np.ascontiguousarray(np.moveaxis(function(*rows).reshape(moved[0].shape), -1, axis))


def _lowered(x: Value, axis: int, log: bool) -> Value:
    (place,) = within_sample(x, (axis_of(x.name, axis, x.ndim),), "give an axis of a sample")
    rank = len(x.sample)
    last = permuted(x, [*(a for a in range(rank) if a != place), place])
    function = x.graph.log_softmax if log else x.graph.softmax
    back = list(range(rank - 1))
    back.insert(place, rank - 1)
    return permuted(x.then(function(last.node, name=x.name)), back)


@operation(lower=lambda x, axis: _lowered(x, axis, log=False))
def softmax(x: ArrayLike, axis: int = -1) -> F32:
    """exp(x) / sum of exp(x) along an axis.

    Args:
        x: Any shape of at least one dimension.
        axis: The axis whose elements become probabilities.

    Returns:
        y, shaped as x, float32.

    Raises:
        ValueError: An axis that x has not, or of no element.
        TypeError: An array that is not real numbers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 4.1 (with the maximum subtracted).

    >>> from pycnn import ops
    >>> ops.softmax([[5.0, 5.0], [1000.0, 0.0]]).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    x, axis = _checked("x", x, axis)
    return _along(axis, _core.softmax_forward, x)


def softmax_backward(dy: ArrayLike, x: ArrayLike, *, axis: int = -1) -> F32:
    """Gradient of `softmax`: dx = y (dy - sum of dy y).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `softmax`.
        axis: As given to `softmax`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        ValueError: As `softmax`, and where dy has not the shape of x.
        TypeError: As `softmax`.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.softmax_backward([4.0, 0.0], [7.0, 7.0]).tolist()
    [1.0, -1.0]
    """
    x, axis = _checked("x", x, axis)
    dy = arguments.as_gradient(dy, x.shape)
    return _along(axis, lambda x, dy: _core.softmax_backward(_core.softmax_forward(x), dy), x, dy)


@operation(lower=lambda x, axis: _lowered(x, axis, log=True))
def log_softmax(x: ArrayLike, axis: int = -1) -> F32:
    """log(softmax(x)) = x - log(sum of exp(x)) along an axis, exact where softmax would vanish.

    Args:
        x: Any shape of at least one dimension.
        axis: The axis whose elements become logarithms of probabilities.

    Returns:
        y, shaped as x, float32.

    Raises:
        ValueError: An axis that x has not, or of no element.
        TypeError: An array that is not real numbers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 4.1.

    >>> from pycnn import ops
    >>> ops.log_softmax([[1000.0, 0.0]]).tolist()
    [[0.0, -1000.0]]
    """
    x, axis = _checked("x", x, axis)
    return _along(axis, _core.log_softmax_forward, x)


def log_softmax_backward(dy: ArrayLike, x: ArrayLike, *, axis: int = -1) -> F32:
    """Gradient of `log_softmax`: dx = dy - softmax(x) sum of dy.

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `log_softmax`.
        axis: As given to `log_softmax`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        ValueError: As `log_softmax`, and where dy has not the shape of x.
        TypeError: As `log_softmax`.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.log_softmax_backward([4.0, 0.0], [7.0, 7.0]).tolist()
    [2.0, -2.0]
    """
    x, axis = _checked("x", x, axis)
    dy = arguments.as_gradient(dy, x.shape)
    return _along(axis, lambda x, dy: _core.log_softmax_backward(_core.log_softmax_forward(x), dy), x, dy)


def _as_labels(value: NDArray[np.generic], classes: int) -> NDArray[np.int32]:
    if value.dtype.kind == "f" and not (np.isfinite(value).all() and (value == np.rint(value)).all()):
        raise ValueError("labels hold NaN or fractions; expected whole class numbers")
    if value.size and (value.min() < 0 or value.max() >= classes):
        raise ValueError(
            f"labels run from {value.min()} to {value.max()}; expected class numbers from 0 to {classes - 1}"
        )
    return np.ascontiguousarray(value, np.int32).reshape(-1)


def _cross_entropy(x: ArrayLike, labels: ArrayLike) -> tuple[F32, F32, tuple[int, ...]]:
    """Loss of each row, its gradient by x, and the shape of x."""
    x, _ = _checked("x", x, -1)
    classes = x.shape[-1]
    given = np.asarray(labels)
    if given.dtype.kind not in "biuf":
        raise TypeError(f"labels have dtype {given.dtype}; expected class numbers or probabilities")
    rows = x.reshape(-1, classes)
    if given.shape == x.shape:
        targets = as_float32("labels", given).reshape(-1, classes)
        if not np.isfinite(targets).all():
            raise ValueError("labels hold NaN or infinities; expected probabilities")
        loss = _core.loss_forward_backward("categorical_crossentropy", rows, None, targets, True)
    elif given.shape in (x.shape[:-1], (*x.shape[:-1], 1)):
        numbers = _as_labels(given, classes)
        loss = _core.loss_forward_backward("sparse_categorical_crossentropy", rows, numbers, None, True)
    else:
        expected = f"{x.shape[:-1]} class numbers or {x.shape} probabilities"
        raise ValueError(f"labels have shape {given.shape}; expected {expected}")
    return (*loss, x.shape)


def softmax_cross_entropy(x: ArrayLike, labels: ArrayLike) -> F32:
    """Cross-entropy of softmax(x) and labels, from the logits: -sum of t log softmax(x).

    Args:
        x: Logits (n, ..., classes).
        labels: Class numbers (n, ...), or probabilities (one-hot or not) shaped as x.

    Returns:
        The loss of each row, (n, ...), float32; not averaged.

    Raises:
        ValueError: Shapes that do not fit, class numbers out of range, NaN.
        TypeError: Arrays that are not real numbers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2.3.

    >>> from pycnn import ops
    >>> [round(v, 4) for v in ops.softmax_cross_entropy([[7.0, 7.0], [1000.0, 0.0]], [1, 1]).tolist()]
    [0.6931, 1000.0]
    """
    loss, _, shape = _cross_entropy(x, labels)
    return loss.reshape(shape[:-1])


def softmax_cross_entropy_backward(dy: ArrayLike, x: ArrayLike, labels: ArrayLike) -> F32:
    """Gradient of `softmax_cross_entropy` by x: dy (softmax(x) - t) for a t of sum 1.

    Args:
        dy: Gradient of each row's loss, (n, ...): 1 / n for the gradient of the mean.
        x: Logits (n, ..., classes), as given to `softmax_cross_entropy`.
        labels: As given to `softmax_cross_entropy`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        ValueError: As `softmax_cross_entropy`, and where dy has not the shape of the loss.
        TypeError: As `softmax_cross_entropy`.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2.3.

    >>> from pycnn import ops
    >>> ops.softmax_cross_entropy_backward([1.0], [[7.0, 7.0]], [1]).tolist()
    [[0.5, -0.5]]
    """
    _, dx, shape = _cross_entropy(x, labels)
    return dx.reshape(shape) * arguments.as_gradient(dy, shape[:-1])[..., np.newaxis]
