"""Functions of each element by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.operations.base import operation
from pycnn.core.operations.documentation import ONE, TWO, documented
from pycnn.core.operations.nodes import mapped

if TYPE_CHECKING:
    from pycnn.core.arrays import F32


def _erf(x: F32) -> Any:
    return np.frompyfunc(math.erf, 1, 1)(x)


@documented(ONE)
@operation(arrays=np.negative)
def negative(x: Any) -> Any:
    """-x, element by element.

    >>> from pycnn import ops
    >>> ops.negative([1.0, -2.0]).tolist()
    [-1.0, 2.0]
    """
    return mapped("negative", x)


@documented(ONE)
@operation(arrays=np.absolute)
def absolute(x: Any) -> Any:
    """The magnitude of x.

    >>> from pycnn import ops
    >>> ops.absolute([1.0, -2.0]).tolist()
    [1.0, 2.0]
    """
    return mapped("abs", x)


@documented(ONE)
@operation(arrays=np.sign)
def sign(x: Any) -> Any:
    """-1, 0 or 1, as x is negative, zero or positive.

    >>> from pycnn import ops
    >>> ops.sign([-3.0, 0.0, 2.0]).tolist()
    [-1.0, 0.0, 1.0]
    """
    return mapped("sign", x)


@documented(ONE)
@operation(arrays=np.square)
def square(x: Any) -> Any:
    """x times x.

    >>> from pycnn import ops
    >>> ops.square([3.0, -2.0]).tolist()
    [9.0, 4.0]
    """
    return mapped("square", x)


@documented(ONE)
@operation(arrays=np.sqrt)
def sqrt(x: Any) -> Any:
    """The square root; NaN for negative x.

    >>> from pycnn import ops
    >>> ops.sqrt([9.0, 4.0]).tolist()
    [3.0, 2.0]
    """
    return mapped("sqrt", x)


@documented(ONE)
@operation(arrays=lambda x: 1.0 / np.sqrt(x))
def rsqrt(x: Any) -> Any:
    """1 / sqrt(x).

    >>> from pycnn import ops
    >>> ops.rsqrt([4.0, 1.0]).tolist()
    [0.5, 1.0]
    """
    return mapped("rsqrt", x)


@documented(ONE)
@operation(arrays=np.reciprocal)
def reciprocal(x: Any) -> Any:
    """1 / x.

    >>> from pycnn import ops
    >>> ops.reciprocal([4.0, -1.0]).tolist()
    [0.25, -1.0]
    """
    return mapped("reciprocal", x)


@documented(ONE)
@operation(arrays=np.exp)
def exp(x: Any) -> Any:
    """e to the power of x.

    >>> from pycnn import ops
    >>> ops.exp([0.0]).tolist()
    [1.0]
    """
    return mapped("exp", x)


@documented(ONE)
@operation(arrays=np.expm1)
def expm1(x: Any) -> Any:
    """exp(x) - 1, exact near 0.

    >>> from pycnn import ops
    >>> ops.expm1([0.0]).tolist()
    [0.0]
    """
    return mapped("expm1", x)


@documented(ONE)
@operation(arrays=np.log)
def log(x: Any) -> Any:
    """The natural logarithm; NaN for negative x.

    >>> from pycnn import ops
    >>> ops.log([1.0]).tolist()
    [0.0]
    """
    return mapped("log", x)


@documented(ONE)
@operation(arrays=np.log1p)
def log1p(x: Any) -> Any:
    """log(1 + x), exact near 0.

    >>> from pycnn import ops
    >>> ops.log1p([0.0]).tolist()
    [0.0]
    """
    return mapped("log1p", x)


@documented(ONE)
@operation(arrays=np.log2)
def log2(x: Any) -> Any:
    """The logarithm to base 2.

    >>> from pycnn import ops
    >>> ops.log2([8.0]).tolist()
    [3.0]
    """
    return mapped("multiply", mapped("log", x), 1.0 / math.log(2.0))


@documented(ONE)
@operation(arrays=np.log10)
def log10(x: Any) -> Any:
    """The logarithm to base 10.

    >>> from pycnn import ops
    >>> ops.log10([1.0]).tolist()
    [0.0]
    """
    return mapped("multiply", mapped("log", x), 1.0 / math.log(10.0))


@documented(ONE)
@operation(arrays=np.sin)
def sin(x: Any) -> Any:
    """The sine of x in radians.

    >>> from pycnn import ops
    >>> ops.sin([0.0]).tolist()
    [0.0]
    """
    return mapped("sin", x)


@documented(ONE)
@operation(arrays=np.cos)
def cos(x: Any) -> Any:
    """The cosine of x in radians.

    >>> from pycnn import ops
    >>> ops.cos([0.0]).tolist()
    [1.0]
    """
    return mapped("cos", x)


@documented(ONE)
@operation(arrays=_erf)
def erf(x: Any) -> Any:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    >>> from pycnn import ops
    >>> ops.erf([0.0]).tolist()
    [0.0]
    """
    return mapped("erf", x)


@documented(ONE)
@operation(arrays=np.floor)
def floor(x: Any) -> Any:
    """The largest integer that is not above x.

    >>> from pycnn import ops
    >>> ops.floor([1.5, -1.5]).tolist()
    [1.0, -2.0]
    """
    return mapped("floor", x)


@documented(ONE)
@operation(arrays=np.ceil)
def ceil(x: Any) -> Any:
    """The smallest integer that is not below x.

    >>> from pycnn import ops
    >>> ops.ceil([1.5, -1.5]).tolist()
    [2.0, -1.0]
    """
    return mapped("ceil", x)


@documented(ONE)
@operation(arrays=np.trunc)
def trunc(x: Any) -> Any:
    """x without its fraction.

    >>> from pycnn import ops
    >>> ops.trunc([1.5, -1.5]).tolist()
    [1.0, -1.0]
    """
    return mapped("multiply", mapped("sign", x), mapped("floor", mapped("abs", x)))


@documented(TWO)
@operation(2, arrays=np.add, numbers=True)
def add(x1: Any, x2: Any) -> Any:
    """x1 + x2.

    >>> from pycnn import ops
    >>> ops.add([1.0, 2.0], 3).tolist()
    [4.0, 5.0]
    """
    return mapped("add", x1, x2)


@documented(TWO)
@operation(2, arrays=np.subtract, numbers=True)
def subtract(x1: Any, x2: Any) -> Any:
    """x1 - x2.

    >>> from pycnn import ops
    >>> ops.subtract([1.0, 2.0], 3).tolist()
    [-2.0, -1.0]
    """
    return mapped("subtract", x1, x2)


@documented(TWO)
@operation(2, arrays=np.multiply, numbers=True)
def multiply(x1: Any, x2: Any) -> Any:
    """x1 times x2, element by element.

    >>> from pycnn import ops
    >>> ops.multiply([1.0, 2.0], 3).tolist()
    [3.0, 6.0]
    """
    return mapped("multiply", x1, x2)


@documented(TWO)
@operation(2, arrays=np.divide, numbers=True)
def divide(x1: Any, x2: Any) -> Any:
    """x1 / x2.

    >>> from pycnn import ops
    >>> ops.divide([3.0, 6.0], 2).tolist()
    [1.5, 3.0]
    """
    return mapped("divide", x1, x2)


@documented(TWO)
@operation(2, arrays=np.floor_divide, numbers=True)
def floor_divide(x1: Any, x2: Any) -> Any:
    """The largest integer that is not above x1 / x2.

    >>> from pycnn import ops
    >>> ops.floor_divide([7.0, -7.0], 2).tolist()
    [3.0, -4.0]
    """
    return mapped("floor_divide", x1, x2)


@documented(TWO)
@operation(2, arrays=np.mod, numbers=True)
def mod(x1: Any, x2: Any) -> Any:
    """What x1 // x2 leaves; of x2's sign.

    >>> from pycnn import ops
    >>> ops.mod([7.0, -7.0], 4).tolist()
    [3.0, 1.0]
    """
    return mapped("mod", x1, x2)


@documented(TWO)
@operation(2, arrays=np.power, numbers=True)
def power(x1: Any, x2: Any) -> Any:
    """x1 to the power of x2.

    >>> from pycnn import ops
    >>> ops.power([2.0, 3.0], 2).tolist()
    [4.0, 9.0]
    """
    return mapped("power", x1, x2)


@documented(TWO)
@operation(2, arrays=np.maximum, numbers=True)
def maximum(x1: Any, x2: Any) -> Any:
    """The larger one; NaN where one is NaN. Equal ones share the gradient.

    >>> from pycnn import ops
    >>> ops.maximum([1.0, 5.0], 3).tolist()
    [3.0, 5.0]
    """
    return mapped("maximum", x1, x2)


@documented(TWO)
@operation(2, arrays=np.minimum, numbers=True)
def minimum(x1: Any, x2: Any) -> Any:
    """The smaller one; NaN where one is NaN. Equal ones share the gradient.

    >>> from pycnn import ops
    >>> ops.minimum([1.0, 5.0], 3).tolist()
    [1.0, 3.0]
    """
    return mapped("minimum", x1, x2)


abs = absolute
true_divide = divide


@operation(numbers=True, arrays=lambda x, decimals: np.round(x, decimals))
def round(x: Any, decimals: int = 0) -> Any:
    """The nearest number of so many decimals; of two, the one whose last decimal is even.

    Args:
        x: a symbol, or real numbers of any shape.
        decimals: of the result; negative ones round to tens, hundreds, ...

    Returns:
        A symbol for a symbol, else a float32 array; of x's shape.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.

    Source: numpy.round.

    >>> from pycnn import ops
    >>> ops.round([0.5, 1.5, -0.7]).tolist()
    [0.0, 2.0, -1.0]
    """
    if decimals == 0:
        return mapped("round", x)
    return mapped("divide", mapped("round", mapped("multiply", x, 10.0**decimals)), 10.0**decimals)


@operation(3, numbers=True)
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """x, but at least x_min and at most x_max.

    Args:
        x: a symbol, or real numbers of any shape.
        x_min: a lower bound, of a shape that broadcasts with x's.
        x_max: an upper bound, likewise.

    Returns:
        A symbol where an argument is one, else a float32 array.

    Raises:
        TypeError: if an argument is neither a symbol nor real numbers.
        ValueError: if the shapes do not broadcast.

    Source: numpy.clip.

    >>> from pycnn import ops
    >>> ops.clip([-1.0, 0.5, 2.0], 0, 1).tolist()
    [0.0, 0.5, 1.0]
    """
    return minimum(maximum(x, x_min), x_max)


@operation(3, numbers=True, arrays=np.where)
def _where(condition: Any, x1: Any, x2: Any) -> Any:
    return mapped("where", condition, x1, x2)


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where a condition is true, else x2.

    Args:
        condition: a symbol or numbers; true is what is not zero.
        x1: a symbol or numbers, of a shape that broadcasts with the condition's.
        x2: likewise.

    Returns:
        A symbol where an argument is one, else a float32 array; of the shape that all three broadcast to.

    Raises:
        TypeError: if an argument is neither a symbol nor real numbers.
        ValueError: without x1 and x2, as how many places there are depends on the values; if the shapes do
            not broadcast.

    Source: numpy.where.

    >>> from pycnn import ops
    >>> ops.where([True, False], [1.0, 2.0], 0).tolist()
    [1.0, 0.0]
    """
    if x1 is None or x2 is None:
        raise ValueError("where: needs x1 and x2; the places where a condition is true have no fixed shape")
    return _where(condition, x1, x2)
