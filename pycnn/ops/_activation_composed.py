"""Activations that are made of other functions, and normalization to length one.

Each is described once, here: a decorated function is one of `keras.ops`, one of `keras.activations`, and a
name that layers take as `activation=`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pycnn.core.operations import arithmetic as a
from pycnn.core.operations import comparisons as c
from pycnn.core.operations import elementwise as e
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axis_of
from pycnn.core.operations.documentation import ONE, documented
from pycnn.core.operations.joining import split
from pycnn.core.operations.reductions import sum
from pycnn.core.operations.shapes import expand_dims, moveaxis
from pycnn.core.operations.statistics import norm

from ._activation_piecewise import relu
from ._activation_smooth import sigmoid, softplus, tanh

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Function = TypeVar("_Function", bound=Callable[..., Any])

# The activations of this file, by name.
ACTIVATIONS: dict[str, Callable[..., Any]] = {}


def _activation(
    *arguments: str, returns: str = "of x's shape", raises: str = "", **options: Any
) -> Callable[[_Function], _Function]:
    """Makes a function an operation and an activation.

    Args:
        arguments: those besides x, for its docstring, as `returns` and `raises`, when it is a ValueError.
        options: of `operation`.
    """
    parts = ONE.replace("any shape.\n", "\n    ".join(["any shape.", *arguments]) + "\n", 1)
    parts = parts.replace("of x's shape", returns)
    if raises:
        parts = parts.replace("\n\nSource", f"\n    ValueError: if {raises}.\n\nSource")

    def decorate(body: _Function) -> _Function:
        function: _Function = documented(parts)(operation(**options)(body))
        ACTIVATIONS[body.__name__] = function
        return function

    return decorate


@_activation()
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6).

    >>> from pycnn import ops
    >>> ops.relu6([2.0, 9.0]).tolist()
    [2.0, 6.0]
    """
    return relu(x, max_value=6.0)


@_activation()
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)) = -softplus(-x).

    >>> from pycnn import ops
    >>> ops.log_sigmoid([-1000.0]).tolist()
    [-1000.0]
    """
    return e.negative(softplus(e.negative(x)))


@_activation()
def hard_tanh(x: Any) -> Any:
    """x, but at least -1 and at most 1.

    >>> from pycnn import ops
    >>> ops.hard_tanh([-2.0, 0.5, 2.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    # Not `clip`, whose gradient at the limits is shared with them.
    return a.where(c.greater(x, 1.0), 1.0, a.where(c.less(x, -1.0), -1.0, x))


@_activation("alpha: minus the limit on the left, not 0.")
def celu(x: Any, alpha: float = 1.0) -> Any:
    """max(x, 0) + min(alpha (exp(x / alpha) - 1), 0). Barron, arXiv:1704.07483.

    >>> from pycnn import ops
    >>> ops.celu([-100.0, 2.0]).tolist()
    [-1.0, 2.0]
    """
    below = a.multiply(e.expm1(a.divide(a.minimum(x, 0.0), alpha)), alpha)
    return a.add(a.maximum(x, 0.0), below)


@_activation(
    "axis: whose first half is multiplied by the sigmoid of the second; it has an even size.",
    returns="that axis has half the size",
    raises="x has no such axis, or the size is odd",
)
def glu(x: Any, axis: int = -1) -> Any:
    """Gated linear unit: a sigmoid(b), where a and b are the halves of x. Dauphin et al., arXiv:1612.08083.

    >>> from pycnn import ops
    >>> ops.glu([4.0, 8.0, 0.0, 0.0]).tolist()
    [2.0, 4.0]
    """
    size = x.shape[axis_of("glu", axis, x.ndim)]
    if size is not None and size % 2:
        raise ValueError(f"glu: axis {axis} of {x.shape} has size {size}; expected an even one")
    values, gates = split(x, 2, axis)
    return a.multiply(values, sigmoid(gates))


@_activation()
def tanh_shrink(x: Any) -> Any:
    """x - tanh(x).

    >>> from pycnn import ops
    >>> ops.tanh_shrink([0.0, 100.0]).tolist()
    [0.0, 99.0]
    """
    return a.subtract(x, tanh(x))


@_activation("threshold: of the magnitude.")
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x where |x| > threshold, else 0.

    >>> from pycnn import ops
    >>> ops.hard_shrink([-1.0, 0.25, 1.0]).tolist()
    [-1.0, 0.0, 1.0]
    """
    return a.where(c.greater(e.absolute(x), threshold), x, 0.0)


@_activation("threshold: by how much the magnitude is made smaller.")
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x - threshold where x > threshold, x + threshold where x < -threshold, else 0.

    >>> from pycnn import ops
    >>> ops.soft_shrink([-1.0, 0.25, 1.0]).tolist()
    [-0.5, 0.0, 0.5]
    """
    below = a.where(c.less(x, -threshold), a.add(x, threshold), 0.0)
    return a.where(c.greater(x, threshold), a.subtract(x, threshold), below)


@_activation("threshold: the largest number that is replaced.", "default_value: what replaces it.")
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """x where x > threshold, else default_value.

    >>> from pycnn import ops
    >>> ops.threshold([-1.0, 2.0], 0.0, 5.0).tolist()
    [5.0, 2.0]
    """
    return a.where(c.greater(x, threshold), x, float(default_value))


@_activation("b: how smooth it is, at least 0.")
def squareplus(x: Any, b: float = 4) -> Any:
    """(x + sqrt(x^2 + b)) / 2. Barron, arXiv:2112.11687.

    >>> from pycnn import ops
    >>> ops.squareplus([0.0, 1.5]).tolist()
    [1.0, 2.0]
    """
    return a.multiply(a.add(x, e.sqrt(a.add(e.square(x), float(b)))), 0.5)


@_activation()
def sparse_plus(x: Any) -> Any:
    """0 where x <= -1, (x + 1)^2 / 4 where -1 < x < 1, else x.

    >>> from pycnn import ops
    >>> ops.sparse_plus([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.25, 3.0]
    """
    middle = a.multiply(e.square(a.add(x, 1.0)), 0.25)
    return a.where(c.less_equal(x, -1.0), 0.0, a.where(c.less(x, 1.0), middle, x))


@_activation()
def sparse_sigmoid(x: Any) -> Any:
    """(x + 1) / 2, but at least 0 and at most 1. Blondel et al., arXiv:1901.02324.

    >>> from pycnn import ops
    >>> ops.sparse_sigmoid([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return a.multiply(a.clip(a.add(x, 1.0), 0.0, 2.0), 0.5)


def _array_sparsemax(x: NDArray[np.float32], axis: int) -> Any:
    axis_of("sparsemax", axis, x.ndim)
    rows = np.moveaxis(x, axis, -1)
    falling = -np.sort(-rows, axis=-1)
    excess = np.cumsum(falling, axis=-1, dtype=np.float64) - 1.0
    support = falling * np.arange(1, rows.shape[-1] + 1) > excess
    count = support.sum(-1, keepdims=True)
    limit = np.take_along_axis(excess, count - 1, -1) / count
    return np.moveaxis(np.maximum(rows - limit, 0.0), -1, axis)


@_activation(
    "axis: along which the results add up to one.", raises="x has no such axis", arrays=_array_sparsemax
)
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The point of the simplex that is closest to x along an axis. Martins & Astudillo, arXiv:1602.02068.

    It is max(x - t, 0), where t makes the results add up to one. A symbol takes memory for size^2 numbers
    on the way, size being that of the axis.

    >>> from pycnn import ops
    >>> ops.sparsemax([0.5, 1.0, -1.0]).tolist()
    [0.25, 0.75, 0.0]
    """
    rows = moveaxis(x, axis, -1)
    # A number is above t where all larger ones exceed it by less than one in sum.
    above = relu(a.subtract(expand_dims(rows, -2), expand_dims(rows, -1)))
    support = c.less(sum(above, -1), 1.0)
    inside = a.where(support, rows, 0.0)
    limit = a.divide(a.subtract(sum(inside, -1, True), 1.0), sum(support, -1, True))
    return moveaxis(relu(a.subtract(rows, limit)), -1, axis)


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
