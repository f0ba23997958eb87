"""Sums of absolute values, of squares, and of what rows or columns have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.arguments import as_number
from pycnn.regularizers.base import Regularizer

_SMALLEST = 1e-12  # of a sum of squares that is divided by, as in keras.ops.normalize


class L1L2(Regularizer):
    """l1 * sum |x| + l2 * sum x^2.

    Args:
        l1: factor of the first sum, at least 0; None for 0.
        l2: factor of the second sum, at least 0; None for 0.

    Raises:
        TypeError, ValueError: if an argument is not such a number.

    Example:
        >>> import pycnn as keras
        >>> print(keras.regularizers.L1L2(l1=1.0, l2=0.5)([1.0, -2.0]))
        5.5
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor(self, "l1", l1)
        self.l2 = _factor(self, "l2", l2)

    def __call__(self, x: Any) -> Any:
        """The number for a weight, an output or an array."""
        from pycnn.core.operations import elementwise, reductions

        terms = []
        if self.l1:
            terms.append(reductions.sum(elementwise.absolute(x)) * self.l1)
        if self.l2 or not terms:
            terms.append(reductions.sum(elementwise.square(x)) * self.l2)
        return terms[0] if len(terms) == 1 else terms[0] + terms[1]

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """l1 * sum |x|.

    Args:
        l1: factor, at least 0.

    Raises:
        TypeError, ValueError: if it is not such a number.

    Example:
        >>> import pycnn as keras
        >>> print(keras.regularizers.L1(0.5)([1.0, -2.0]))
        1.5
    """

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(L1L2):
    """l2 * sum x^2.

    Args:
        l2: factor, at least 0.

    Raises:
        TypeError, ValueError: if it is not such a number.

    Example:
        >>> import pycnn as keras
        >>> print(keras.regularizers.L2(0.5)([1.0, -2.0]))
        2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """factor * the mean absolute cosine between two rows, or two columns, of a matrix. Brock et al. 2017.

    Args:
        factor: at least 0.
        mode: 'rows' or 'columns'.

    Raises:
        TypeError, ValueError: if an argument is wrong; a call on something else than a matrix of at least two
            rows (columns).

    Example:
        >>> import pycnn as keras
        >>> print(keras.regularizers.OrthogonalRegularizer(0.5)([[1.0, 0.0], [2.0, 0.0]]))
        0.5
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(self, "factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode is {mode!r}; expected 'rows' or 'columns'")
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        """The number for a weight or an array."""
        from pycnn.core.operations import arithmetic, elementwise, products, reductions, shapes

        x = x if hasattr(x, "shape") else np.asarray(x)
        shape = tuple(x.shape)
        axis = 0 if self.mode == "rows" else 1
        if len(shape) != 2 or shape[axis] is None or shape[axis] < 2:
            raise ValueError(
                f"OrthogonalRegularizer takes a matrix of at least two {self.mode}, not one of shape {shape}"
            )
        size = shape[axis]
        squares = reductions.sum(elementwise.square(x), axis=1 - axis, keepdims=True)
        unit = arithmetic.divide(x, elementwise.sqrt(arithmetic.maximum(squares, _SMALLEST)))
        turned = shapes.transpose(unit)
        products_ = products.matmul(unit, turned) if axis == 0 else products.matmul(turned, unit)
        others = arithmetic.multiply(elementwise.absolute(products_), 1.0 - np.eye(size, dtype=np.float32))
        return reductions.sum(others) * (self.factor / (size * (size - 1)))

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


def _factor(owner: Regularizer, name: str, value: Any) -> float:
    number = as_number(f"{type(owner).__name__}: {name}", 0.0 if value is None else value)
    if number < 0:
        raise ValueError(f"{type(owner).__name__}: {name} is {number}; expected at least 0")
    return number


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer
