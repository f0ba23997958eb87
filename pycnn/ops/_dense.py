"""Fully connected layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pycnn import _core
from pycnn.core.arrays import as_float32

from . import arguments
from ._activation import find_activation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


def _checked(x: ArrayLike, w: ArrayLike) -> tuple[F32, F32]:
    x, w = as_float32("x", x), as_float32("w", w, ndim=2)
    if 0 in w.shape:
        raise ValueError(f"w has shape {w.shape}; expected sizes of at least 1")
    if x.ndim < 2 or x.shape[-1] != w.shape[0]:
        raise ValueError(f"x has shape {x.shape}; expected (n, ..., {w.shape[0]}), as w has shape {w.shape}")
    return x, w


def dense(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    *,
    activation: str | Callable[[F32], F32] | None = None,
) -> F32:
    """Fully connected layer on the last axis: y = activation(x w + b).

    Args:
        x: (n, ..., inputs).
        w: Kernel (inputs, units).
        b: Bias (units,), or None.
        activation: Name of an activation of this module, a function on arrays, or None.

    Returns:
        y (n, ..., units), float32.

    Raises:
        ValueError: Shapes that do not fit, an unknown activation.
        TypeError: Arrays that are not real numbers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 6.1.

    >>> from pycnn import ops
    >>> ops.dense([[1, 2]], [[3, -3], [4, -4]], [10, 10]).tolist()
    [[21.0, -1.0]]
    """
    activate = find_activation(activation)
    x, w = _checked(x, w)
    bias = arguments.as_vector("b", b, w.shape[1])
    rows = x.reshape(_rows(x), w.shape[0])
    return activate(_core.dense_forward(rows, w, bias).reshape(*x.shape[:-1], w.shape[1]))


def dense_backward(dy: ArrayLike, x: ArrayLike, w: ArrayLike) -> tuple[F32, F32, F32]:
    """Gradients of `dense` (without activation: take that one's backward first).

    Args:
        dy: Gradient of y, (n, ..., units).
        x: (n, ..., inputs), as given to `dense`.
        w: Kernel (inputs, units), as given to `dense`.

    Returns:
        dx, dw and db, shaped as x, w and (units,).

    Raises:
        ValueError: Shapes that do not fit.
        TypeError: Arrays that are not real numbers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 6.5.

    >>> from pycnn import ops
    >>> dx, dw, db = ops.dense_backward([[1, 10]], [[2, 3]], [[4, 5], [6, 7]])
    >>> dx.tolist(), dw.tolist(), db.tolist()
    ([[54.0, 76.0]], [[2.0, 20.0], [3.0, 30.0]], [1.0, 10.0])
    """
    x, w = _checked(x, w)
    dy = arguments.as_gradient(dy, (*x.shape[:-1], w.shape[1])).reshape(_rows(x), w.shape[1])
    rows = x.reshape(_rows(x), w.shape[0])
    dx = _core.dense_backward_input(dy, w).reshape(x.shape)
    return dx, _core.dense_backward_weight(rows, dy), _core.bias_gradient(dy)


def _rows(x: F32) -> int:
    return math.prod(x.shape[:-1])
