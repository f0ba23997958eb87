"""Normalization of each sample by its own statistics."""

from __future__ import annotations

from typing import Any

from pycnn.core.operations import arithmetic as a
from pycnn.core.operations import elementwise as e
from pycnn.core.operations.base import Value, operation
from pycnn.core.operations.batching import axes_of, within_sample
from pycnn.core.operations.reductions import mean
from pycnn.core.operations.shapes import reshape

_EPSILON = 1e-7


def standardized(x: Any, axes: Any, epsilon: float, later: Any = ()) -> Any:
    """x minus its mean, divided by the root of its variance plus epsilon; over `axes`, then over `later`."""

    def mean_of(y: Any) -> Any:
        for group in (axes, later):
            y = mean(y, group, True) if group else y
        return y

    center = mean_of(x)
    # The difference is made twice: each is part of the expression that uses it, and none is written.
    variance = mean_of(e.square(a.subtract(x, center)))
    return a.multiply(a.subtract(x, center), e.rsqrt(a.add(variance, epsilon)))


def scaled(y: Any, gamma: Any, beta: Any, axes: Any) -> Any:
    """gamma * y + beta, those that are not None, whose axes are some axes of y."""
    first = min(axes)
    shape = [y.shape[axis] if axis in axes else 1 for axis in range(first, y.ndim)]
    if gamma is not None:
        y = a.multiply(y, reshape(gamma, shape))
    return y if beta is None else a.add(y, reshape(beta, shape))


def _axes(name: str, x: Any, axis: Any) -> tuple[int, ...]:
    axes = axes_of(name, axis, x.ndim)
    if isinstance(x, Value):
        within_sample(x, axes, "give axes of a sample")
    return axes


@operation(3)
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Any:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of each place's `axis`.

    Args:
        x: a symbol, or real numbers of any shape.
        gamma: factors, of the shape of those axes; None for 1.
        beta: summands, of the same shape; None for 0.
        axis: over which mean and (biased) variance are taken, or several.
        epsilon: keeps the square root away from zero; None for 1e-7.

    Returns:
        A symbol where an operand is one, else a float32 array; of x's shape.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if x has no such axis, or it is the batch axis of a symbol.

    Source: Ba, Kiros and Hinton, Layer normalization, arXiv:1607.06450.

    >>> from pycnn import ops
    >>> ops.layer_normalization([[1.0, 3.0]], epsilon=1e-12).tolist()
    [[-1.0, 1.0]]
    """
    axes = _axes("layer_normalization", x, axis)
    return scaled(standardized(x, axes, _EPSILON if epsilon is None else float(epsilon)), gamma, beta, axes)


@operation(2)
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Any:
    """scale * x / sqrt(mean(x^2) + epsilon).

    Args:
        x: a symbol, or real numbers of any shape.
        scale: factors, of the shape of those axes; None for 1.
        axis: over which the mean is taken, or several.
        epsilon: keeps the square root away from zero; None for 1e-7.

    Returns:
        A symbol where an operand is one, else a float32 array; of x's shape.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if x has no such axis, or it is the batch axis of a symbol.

    Source: Zhang and Sennrich, Root mean square layer normalization, arXiv:1910.07467.

    >>> from pycnn import ops
    >>> ops.rms_normalization([[3.0, 3.0]], epsilon=1e-12).tolist()
    [[1.0, 1.0]]
    """
    axes = _axes("rms_normalization", x, axis)
    inverse = e.rsqrt(a.add(mean(e.square(x), axes, True), _EPSILON if epsilon is None else float(epsilon)))
    return scaled(a.multiply(x, inverse), scale, None, axes)
