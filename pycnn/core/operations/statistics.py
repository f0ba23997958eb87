"""What is made of sums and extrema over axes: variances, norms, averages, logsumexp."""

from __future__ import annotations

from typing import Any

from pycnn.core.operations import arithmetic as a
from pycnn.core.operations import elementwise as e
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axes_of, axis_of
from pycnn.core.operations.comparisons import isfinite, not_equal
from pycnn.core.operations.documentation import REDUCTION, documented
from pycnn.core.operations.gradients import stop_gradient
from pycnn.core.operations.reductions import max, mean, sum
from pycnn.core.operations.shapes import reshape, squeeze


@documented(REDUCTION)
@operation()
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance over axes: the mean of (x - mean)^2.

    >>> from pycnn import ops
    >>> ops.var([[1.0, 3.0], [4.0, 4.0]], axis=1).tolist()
    [1.0, 0.0]
    """
    return mean(e.square(a.subtract(x, mean(x, axis, True))), axis, keepdims)


@documented(REDUCTION)
@operation()
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation over axes: the root of the variance.

    >>> from pycnn import ops
    >>> ops.std([[1.0, 3.0], [4.0, 4.0]], axis=1).tolist()
    [1.0, 0.0]
    """
    return e.sqrt(var(x, axis, keepdims))


@documented(REDUCTION)
@operation()
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The logarithm of the sum of exp(x) over axes; nothing overflows on the way.

    >>> from pycnn import ops
    >>> ops.logsumexp([[1000.0, -1000.0]], axis=1).tolist()
    [1000.0]
    """
    top = stop_gradient(max(x, axis, True))
    top = a.where(isfinite(top), top, 0.0)
    result = a.add(e.log(sum(e.exp(a.subtract(x, top)), axis, True)), top)
    return result if keepdims else squeeze(result, axes_of("logsumexp", axis, x.ndim))


@documented(
    REDUCTION.replace(
        "    axis:",
        "    ord: None or 2 for the root of the sum of squares, 1 for the sum of magnitudes.\n    axis:",
    )
)
@operation()
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The length of vectors along an axis; of all of x as one vector where `axis` is None.

    >>> from pycnn import ops
    >>> ops.norm([[3.0, 4.0], [0.0, 2.0]], axis=1).tolist()
    [5.0, 2.0]
    """
    if ord not in (None, 1, 2):
        raise ValueError(f"norm: ord is {ord!r}; expected None, 1 or 2")
    axes = axes_of("norm", axis, x.ndim)
    if ord is not None and len(axes) != 1:
        raise ValueError(
            f"norm: ord {ord} over {len(axes)} axes would be a norm of matrices, which is not available; "
            f"expected one axis, or ord=None"
        )
    return sum(e.absolute(x), axis, keepdims) if ord == 1 else e.sqrt(sum(e.square(x), axis, keepdims))


@documented(REDUCTION)
@operation()
def count_nonzero(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """How many values over axes are not zero.

    >>> from pycnn import ops
    >>> ops.count_nonzero([[0.0, 2.0], [1.0, 2.0]], axis=1).tolist()
    [1.0, 2.0]
    """
    return sum(not_equal(x, 0.0), axis, keepdims)


@operation(2)
def _average(x: Any, weights: Any, axis: Any) -> Any:
    if weights.shape == x.shape:
        return a.divide(sum(a.multiply(x, weights), axis), sum(weights, axis))
    if weights.ndim != 1 or not isinstance(axis, int):
        raise ValueError(
            f"average: weights have shape {weights.shape}; expected {x.shape}, or one for each place along "
            f"one axis"
        )
    shape = [1] * x.ndim
    shape[axis_of("average", axis, x.ndim)] = -1
    return a.divide(sum(a.multiply(x, reshape(weights, shape)), axis), sum(weights))


def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The weighted mean over axes: the sum of x times weights, divided by the sum of the weights.

    Args:
        x: a symbol, or real numbers of any shape.
        axis: an integer, or several; None for all, the batch axis included.
        weights: of x's shape, or one for each place along one axis; None for the mean.

    Returns:
        A symbol for a symbol, else an array or a number.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if x has no such axis, or the weights have another shape.

    Source: numpy.average.

    >>> from pycnn import ops
    >>> float(ops.average([1.0, 4.0], weights=[2.0, 1.0]))
    2.0
    """
    return mean(x, axis) if weights is None else _average(x, weights, axis)
