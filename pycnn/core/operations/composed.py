"""Functions of each value that are made of other ones: angles, safe quotients, nearness."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pycnn.core.operations import arithmetic as a
from pycnn.core.operations import comparisons as c
from pycnn.core.operations import elementwise as e
from pycnn.core.operations.base import operation
from pycnn.core.operations.documentation import ONE, TRUTH, TWO, documented
from pycnn.core.operations.gradients import stop_gradient
from pycnn.core.operations.reductions import mean
from pycnn.core.operations.statistics import var

# The odd polynomial of S. L. Moshier's Cephes library (1989) for arctan up to tan(pi/8), from x^9 to x^3.
_ARCTAN = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
_TAN_1_8, _TAN_3_8 = math.sqrt(2) - 1, math.sqrt(2) + 1  # of pi/8 and 3 pi/8

_LARGEST = float(np.finfo(np.float32).max)


def _with_slope(x: Any, value: Any, slope: Any) -> Any:
    """A value, whose derivatives are said instead of going through the steps that make it.

    The slope counts half where it is a constant: then its own derivative comes once in the second one.
    """
    moved = a.multiply(a.subtract(x, stop_gradient(x)), a.multiply(a.add(slope, stop_gradient(slope)), 0.5))
    return a.add(stop_gradient(value), a.where(c.isfinite(moved), moved, 0.0))


def _inverse_cosine(x: Any) -> Any:
    """1 / sqrt(1 - x^2), which is infinite at -1 and 1: a large number there, so that 0 times it is 0."""
    inside = c.less(e.absolute(x), 1.0)
    square = a.where(inside, a.multiply(a.subtract(1.0, x), a.add(x, 1.0)), 1.0)
    return a.where(inside, e.rsqrt(square), _LARGEST / 4)


def _arctan(x: Any) -> Any:
    size = e.absolute(x)
    large, middle = c.greater(size, _TAN_3_8), c.greater(size, _TAN_1_8)
    inverse = a.divide(-1.0, a.maximum(size, 1.0))
    turned = a.divide(a.subtract(a.minimum(size, 4.0), 1.0), a.add(a.minimum(size, 4.0), 1.0))
    z = a.where(large, inverse, a.where(middle, turned, size))
    squared, series = e.square(z), _ARCTAN[0]
    for factor in _ARCTAN[1:]:
        series = a.add(a.multiply(squared, series), factor)
    angle = a.add(a.multiply(a.multiply(series, squared), z), z)
    begin = a.where(large, math.pi / 2, a.where(middle, math.pi / 4, 0.0))
    return a.multiply(a.add(angle, begin), e.sign(x))


@documented(ONE)
@operation(arrays=np.arctan)
def arctan(x: Any) -> Any:
    """The angle, from -pi/2 to pi/2, of which x is the tangent.

    >>> from pycnn import ops
    >>> [round(float(angle), 4) for angle in ops.arctan([0.0, 1.0])]
    [0.0, 0.7854]
    """
    return _with_slope(x, _arctan(x), a.divide(1.0, a.add(e.square(x), 1.0)))


@documented(ONE)
@operation(arrays=np.arcsin)
def arcsin(x: Any) -> Any:
    """The angle, from -pi/2 to pi/2, of which x is the sine; NaN beyond -1 and 1.

    >>> from pycnn import ops
    >>> [round(float(angle), 4) for angle in ops.arcsin([0.0, 1.0])]
    [0.0, 1.5708]
    """
    cosine = e.sqrt(a.multiply(a.subtract(1.0, x), a.add(x, 1.0)))
    value = a.multiply(_arctan(a.divide(x, a.add(cosine, 1.0))), 2.0)
    return _with_slope(x, value, _inverse_cosine(x))


@documented(ONE)
@operation(arrays=np.arccos)
def arccos(x: Any) -> Any:
    """The angle, from 0 to pi, of which x is the cosine; NaN beyond -1 and 1.

    >>> from pycnn import ops
    >>> [round(float(angle), 4) for angle in ops.arccos([1.0, 0.0])]
    [0.0, 1.5708]
    """
    less, more = a.subtract(1.0, x), a.add(x, 1.0)
    value = a.multiply(_arctan(e.sqrt(a.divide(less, more))), 2.0)
    return _with_slope(x, value, e.negative(_inverse_cosine(x)))


@documented(ONE)
@operation(arrays=np.tan)
def tan(x: Any) -> Any:
    """The tangent of an angle.

    >>> from pycnn import ops
    >>> ops.tan([0.0]).tolist()
    [0.0]
    """
    return a.divide(e.sin(x), e.cos(x))


@documented(ONE)
@operation(arrays=np.cosh)
def cosh(x: Any) -> Any:
    """The hyperbolic cosine, (exp(x) + exp(-x)) / 2.

    >>> from pycnn import ops
    >>> ops.cosh([0.0]).tolist()
    [1.0]
    """
    return a.multiply(a.add(e.exp(x), e.exp(e.negative(x))), 0.5)


@documented(ONE)
@operation(arrays=np.sinh)
def sinh(x: Any) -> Any:
    """The hyperbolic sine, (exp(x) - exp(-x)) / 2.

    >>> from pycnn import ops
    >>> ops.sinh([0.0]).tolist()
    [0.0]
    """
    return a.multiply(a.subtract(e.expm1(x), e.expm1(e.negative(x))), 0.5)


@documented(ONE)
def exp2(x: Any) -> Any:
    """2 to the power of x.

    >>> from pycnn import ops
    >>> ops.exp2([0.0, 3.0]).round(4).tolist()
    [1.0, 8.0]
    """
    return e.exp(a.multiply(x, math.log(2.0)))


@documented(ONE)
def deg2rad(x: Any) -> Any:
    """Radians from degrees.

    >>> from pycnn import ops
    >>> round(float(ops.deg2rad(180.0)), 4)
    3.1416
    """
    return a.multiply(x, math.pi / 180.0)


@documented(ONE)
def rad2deg(x: Any) -> Any:
    """Degrees from radians.

    >>> from pycnn import ops
    >>> ops.rad2deg([0.0]).tolist()
    [0.0]
    """
    return a.multiply(x, 180.0 / math.pi)


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """x with numbers for what is none.

    Args:
        x: a symbol, or real numbers of any shape.
        nan: for NaN.
        posinf: for infinity; None for the largest float.
        neginf: for minus infinity; None for the smallest float.

    Returns:
        A symbol for a symbol, else a float32 array; of x's shape.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.

    Source: numpy.nan_to_num.

    >>> from pycnn import ops
    >>> ops.nan_to_num([float("nan"), 1.0, float("inf")], posinf=9.0).tolist()
    [0.0, 1.0, 9.0]
    """
    x = a.where(c.isnan(x), nan, x)
    x = a.where(c.equal(x, math.inf), _LARGEST if posinf is None else posinf, x)
    return a.where(c.equal(x, -math.inf), -_LARGEST if neginf is None else neginf, x)


@documented(TWO)
@operation(2, numbers=True, arrays=np.logaddexp)
def logaddexp(x1: Any, x2: Any) -> Any:
    """log(exp(x1) + exp(x2)); nothing overflows on the way.

    >>> from pycnn import ops
    >>> ops.logaddexp([1000.0], [-1000.0]).tolist()
    [1000.0]
    """
    distance = e.absolute(a.subtract(x1, x2))
    return a.add(a.maximum(x1, x2), e.log1p(e.exp(e.negative(distance))))


@documented(TWO)
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """x1 / x2, and 0 where x2 is 0.

    >>> from pycnn import ops
    >>> ops.divide_no_nan([1.0, 1.0], [2.0, 0.0]).tolist()
    [0.5, 0.0]
    """
    zero = c.equal(x2, 0.0)
    return a.where(zero, 0.0, a.divide(x1, a.where(zero, 1.0, x2)))


@documented(TRUTH)
def logical_xor(x1: Any, x2: Any) -> Any:
    """Whether one of both is not zero, and the other one is.

    >>> from pycnn import ops
    >>> ops.logical_xor([0.0, 2.0], [1.0, 1.0]).tolist()
    [True, False]
    """
    return c.not_equal(c.logical_not(x1), c.logical_not(x2))


@documented(TRUTH)
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |x1 - x2| is at most atol + rtol |x2|; infinities are close to themselves, and NaN if so told.

    >>> from pycnn import ops
    >>> ops.isclose([1.0, 2.0], [1.000001, 2.1]).tolist()
    [True, False]
    """
    near = c.less_equal(e.absolute(a.subtract(x1, x2)), a.add(a.multiply(e.absolute(x2), rtol), atol))
    close = c.logical_or(c.logical_and(near, c.isfinite(x2)), c.equal(x1, x2))
    return c.logical_or(close, c.logical_and(c.isnan(x1), c.isnan(x2))) if equal_nan else close


def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Any, Any]:
    """The mean and the variance over axes.

    Args:
        x: a symbol, or real numbers of any shape.
        axes: an integer or several; None for all.
        keepdims: whether those axes stay, with size 1.
        synchronized: has no effect.

    Returns:
        Two symbols for a symbol, else two arrays.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.
        ValueError: if x has no such axis.

    Source: keras.ops.moments.

    >>> from pycnn import ops
    >>> [float(y) for y in ops.moments([1.0, 3.0], 0)]
    [2.0, 1.0]
    """
    return mean(x, axes, keepdims), var(x, axes, keepdims)
