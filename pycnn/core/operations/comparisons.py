"""Comparisons, and logic: what is not zero is true."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pycnn.core.operations.base import operation
from pycnn.core.operations.documentation import ONE_TRUTH, TRUTH, documented
from pycnn.core.operations.nodes import mapped


@documented(ONE_TRUTH)
@operation(arrays=np.isnan, dtype="bool")
def isnan(x: Any) -> Any:
    """Where x is not a number.

    >>> from pycnn import ops
    >>> ops.isnan([0.0, float("nan")]).tolist()
    [False, True]
    """
    return mapped("isnan", x)


@documented(ONE_TRUTH)
@operation(arrays=np.isfinite, dtype="bool")
def isfinite(x: Any) -> Any:
    """Where x is neither infinite nor NaN.

    >>> from pycnn import ops
    >>> ops.isfinite([0.0, float("inf")]).tolist()
    [True, False]
    """
    return mapped("isfinite", x)


@documented(ONE_TRUTH)
@operation(arrays=np.isinf, dtype="bool")
def isinf(x: Any) -> Any:
    """Where x is infinite.

    >>> from pycnn import ops
    >>> ops.isinf([0.0, float("inf")]).tolist()
    [False, True]
    """
    return mapped("equal", mapped("abs", x), math.inf)


@documented(ONE_TRUTH)
@operation(arrays=np.logical_not, dtype="bool")
def logical_not(x: Any) -> Any:
    """Where x is zero.

    >>> from pycnn import ops
    >>> ops.logical_not([0.0, 2.0]).tolist()
    [True, False]
    """
    return mapped("logical_not", x)


@documented(TRUTH)
@operation(2, arrays=np.equal, dtype="bool", numbers=True)
def equal(x1: Any, x2: Any) -> Any:
    """Where x1 == x2.

    >>> from pycnn import ops
    >>> ops.equal([1.0, 2.0], 2).tolist()
    [False, True]
    """
    return mapped("equal", x1, x2)


@documented(TRUTH)
@operation(2, arrays=np.not_equal, dtype="bool", numbers=True)
def not_equal(x1: Any, x2: Any) -> Any:
    """Where x1 != x2.

    >>> from pycnn import ops
    >>> ops.not_equal([1.0, 2.0], 2).tolist()
    [True, False]
    """
    return mapped("not_equal", x1, x2)


@documented(TRUTH)
@operation(2, arrays=np.less, dtype="bool", numbers=True)
def less(x1: Any, x2: Any) -> Any:
    """Where x1 < x2.

    >>> from pycnn import ops
    >>> ops.less([1.0, 2.0], 2).tolist()
    [True, False]
    """
    return mapped("less", x1, x2)


@documented(TRUTH)
@operation(2, arrays=np.less_equal, dtype="bool", numbers=True)
def less_equal(x1: Any, x2: Any) -> Any:
    """Where x1 <= x2.

    >>> from pycnn import ops
    >>> ops.less_equal([1.0, 2.0], 2).tolist()
    [True, True]
    """
    return mapped("less_equal", x1, x2)


@documented(TRUTH)
@operation(2, arrays=np.greater, dtype="bool", numbers=True)
def greater(x1: Any, x2: Any) -> Any:
    """Where x1 > x2.

    >>> from pycnn import ops
    >>> ops.greater([2.0, 3.0], 2).tolist()
    [False, True]
    """
    return mapped("less", x2, x1)


@documented(TRUTH)
@operation(2, arrays=np.greater_equal, dtype="bool", numbers=True)
def greater_equal(x1: Any, x2: Any) -> Any:
    """Where x1 >= x2.

    >>> from pycnn import ops
    >>> ops.greater_equal([1.0, 2.0], 2).tolist()
    [False, True]
    """
    return mapped("less_equal", x2, x1)


@documented(TRUTH)
@operation(2, arrays=np.logical_and, dtype="bool", numbers=True)
def logical_and(x1: Any, x2: Any) -> Any:
    """Where neither is zero.

    >>> from pycnn import ops
    >>> ops.logical_and([0.0, 2.0], [1.0, 1.0]).tolist()
    [False, True]
    """
    return mapped("logical_and", x1, x2)


@documented(TRUTH)
@operation(2, arrays=np.logical_or, dtype="bool", numbers=True)
def logical_or(x1: Any, x2: Any) -> Any:
    """Where one is not zero.

    >>> from pycnn import ops
    >>> ops.logical_or([0.0, 2.0], [0.0, 1.0]).tolist()
    [False, True]
    """
    return mapped("logical_or", x1, x2)
