"""Activations that are made of others, and normalization to length one."""

from __future__ import annotations

from typing import Any

from pycnn.core.operations import arithmetic as a
from pycnn.core.operations import elementwise as e
from pycnn.core.operations.base import operation
from pycnn.core.operations.documentation import ONE, documented
from pycnn.core.operations.reductions import sum
from pycnn.core.operations.statistics import norm

from ._activation_piecewise import relu
from ._activation_smooth import softplus


@documented(ONE)
@operation()
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6).

    >>> from pycnn import ops
    >>> ops.relu6([2.0, 9.0]).tolist()
    [2.0, 6.0]
    """
    return relu(x, max_value=6.0)


@documented(ONE)
@operation()
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)) = -softplus(-x).

    >>> from pycnn import ops
    >>> ops.log_sigmoid([-1000.0]).tolist()
    [-1000.0]
    """
    return e.negative(softplus(e.negative(x)))


@documented(ONE)
@operation()
def hard_tanh(x: Any) -> Any:
    """x, but at least -1 and at most 1.

    >>> from pycnn import ops
    >>> ops.hard_tanh([-2.0, 0.5, 2.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return a.clip(x, -1.0, 1.0)


@operation()
def celu(x: Any, alpha: float = 1.0) -> Any:
    """max(x, 0) + min(alpha (exp(x / alpha) - 1), 0).

    Args:
        x: a symbol, or real numbers of any shape.
        alpha: minus the limit on the left.

    Returns:
        A symbol for a symbol, else a float32 array; of x's shape.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.

    Source: Barron, Continuously differentiable exponential linear units, arXiv:1704.07483.

    >>> from pycnn import ops
    >>> ops.celu([-100.0, 2.0]).tolist()
    [-1.0, 2.0]
    """
    below = a.multiply(e.expm1(a.divide(a.minimum(x, 0.0), alpha)), alpha)
    return a.add(relu(x), below)


@operation()
def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:
    """x divided by its length along an axis.

    Args:
        x: a symbol, or real numbers of any shape.
        axis: along which, or several.
        order: of the norm: 2, or 1 for the sum of magnitudes.
        epsilon: the smallest length to divide by; None for 1e-7.

    Returns:
        A symbol for a symbol, else a float32 array; of x's shape.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.
        ValueError: if x has no such axis, or for another order.

    Source: keras.ops.normalize.

    >>> from pycnn import ops
    >>> ops.normalize([[1.0, 3.0]], order=1).tolist()
    [[0.25, 0.75]]
    """
    least = 1e-7 if epsilon is None else float(epsilon)
    if order == 2:
        inverse = e.rsqrt(sum(e.square(x), axis, True))
        return a.multiply(x, a.minimum(inverse, 1.0 / least))
    return a.divide(x, a.maximum(norm(x, order, axis, True), least))
