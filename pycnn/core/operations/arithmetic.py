"""Functions of two or three operands, element by element, which broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.operations.base import operation
from pycnn.core.operations.documentation import TWO, documented
from pycnn.core.operations.nodes import mapped


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


true_divide = divide


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
