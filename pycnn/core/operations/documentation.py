"""The parts of a docstring that functions of one family have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])

ONE = """
Args:
    x: a symbol, or real numbers of any shape.

Returns:
    A symbol for a symbol, else a float32 array; of x's shape.

Raises:
    TypeError: if x is neither a symbol nor real numbers.

Source: the function of that name in NumPy and in keras.ops.
"""

TWO = """
Args:
    x1: a symbol, or real numbers of any shape.
    x2: the same, of a shape that broadcasts with x1's.

Returns:
    A symbol where an operand is one, else a float32 array; of the shape that both broadcast to. What is the
    same for all samples (a constant, a weight) has fewer axes than a symbol with a batch axis, or
    size 1 there.

Raises:
    TypeError: if an operand is neither a symbol nor real numbers.
    ValueError: if the shapes do not broadcast, or a batch axis would meet another axis.

Source: the function of that name in NumPy and in keras.ops.
"""

ONE_TRUTH = ONE.replace("a float32 array;", "a boolean array;")
TRUTH = TWO.replace("a float32 array;", "a boolean array;")

REDUCTION = """
Args:
    x: a symbol, or real numbers of any shape.
    axis: an integer, or several; None for all, the batch axis included.
    keepdims: whether those axes stay, with size 1.

Returns:
    A symbol for a symbol, else an array or a number. What is reduced over the batch is one value for all
    samples.

Raises:
    TypeError: if x is neither a symbol nor real numbers.
    ValueError: if x has no such axis. Of a symbol only sums and means, and what is made of them,
        go over the batch.

Source: the function of that name in NumPy and in keras.ops.
"""

EXTREMUM = REDUCTION.replace(
    "stay, with size 1.", "stay, with size 1.\n    initial: a bound for the result, or None."
)

REDUCTION_TRUTH = REDUCTION.replace("else an array or a number.", "else a boolean array or a boolean.")

PLACE = """
Args:
    x: a symbol, or real numbers of any shape.
    axis: an integer; None for the place in all of x in a row.
    keepdims: whether the axis stays, with size 1.

Returns:
    A symbol for a symbol, else int32. A symbol holds it as a float, which is exact up to 2^24.

Raises:
    TypeError: if x is neither a symbol nor real numbers.
    ValueError: if x has no such axis, or it is the batch axis of a symbol.

Source: the function of that name in NumPy and in keras.ops.
"""

MOVED = """
Returns:
    A symbol for a symbol, else an array; a list of them where there are several.

Raises:
    TypeError: if an operand is neither a symbol nor real numbers.
    ValueError: if an argument does not fit x's shape, or values of a sample would go to another one.

Source: the function of that name in NumPy, or in keras.ops.
"""

ON_MATRICES = MOVED.replace("; a list of them where there are several", "")


def documented(parts: str, before: str = ">>> ") -> Callable[[_Function], _Function]:
    """Adds parts that a docstring lacks: before its example, or before the line that begins with a word.

    Parts that begin with an indented line continue the part that is there.
    """

    def decorate(function: _Function) -> _Function:
        if function.__doc__:
            text, mark, rest = function.__doc__.partition(f"    {before}")
            gap = "\n" if parts.startswith("\n    ") else "\n\n"
            lines = parts.strip("\n").splitlines()
            indented = "".join(f"    {line}\n" if line else "\n" for line in lines)
            function.__doc__ = f"{text.rstrip()}{gap}{indented}\n{mark}{rest}"
        return function

    return decorate
