"""Functions of one operand, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.operations.base import operation
from pycnn.core.operations.documentation import ONE, documented
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


abs = absolute


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
