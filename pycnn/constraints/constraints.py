"""Limits of weights and of their norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.constraints.base import Constraint
from pycnn.core.arguments import as_int, as_number

if TYPE_CHECKING:
    Axes: TypeAlias = int | Sequence[int] | None

_EPSILON = 1e-7  # Keras' backend.epsilon()


class _OfNorms(Constraint):
    """What limits the norms along some axes; `axis` as given to a sum."""

    def __init__(self, axis: Axes) -> None:
        if isinstance(axis, Sequence):
            self.axis: Any = [as_int(f"{type(self).__name__}: axis", a, -32) for a in axis]
        else:
            self.axis = None if axis is None else as_int(f"{type(self).__name__}: axis", axis, -32)

    def _norms(self, w: Any) -> Any:
        from pycnn.core.operations import elementwise, reductions

        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        return elementwise.sqrt(reductions.sum(elementwise.square(w), axis=axis, keepdims=True))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MaxNorm(_OfNorms):
    """Weights whose norm is above a limit are scaled down to it.

    Args:
        max_value: the limit, at least 0.
        axis: axes along which the norm is computed: 0 for each output of a Dense layer, [0, 1, 2] for each
            filter of a Conv2D layer.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> np.round(keras.constraints.MaxNorm(1.0)(np.array([[3.0, 0.0], [4.0, 0.5]])), 4)
        array([[0.6, 0. ],
               [0.8, 0.5]], dtype=float32)
    """

    def __init__(self, max_value: float = 2, axis: Axes = 0) -> None:
        super().__init__(axis)
        self.max_value = _limit(self, "max_value", max_value)

    def __call__(self, w: Any) -> Any:
        from pycnn.core.operations import arithmetic

        norms = self._norms(w)
        return arithmetic.multiply(w, arithmetic.clip(norms, 0.0, self.max_value) / (_EPSILON + norms))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Negative weights become 0.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.constraints.NonNeg()(np.array([-1.0, 2.0]))
        array([0., 2.], dtype=float32)
    """

    def __call__(self, w: Any) -> Any:
        from pycnn.core.operations import arithmetic

        return arithmetic.maximum(w, 0.0)


class UnitNorm(_OfNorms):
    """Weights are scaled to norm 1.

    Args:
        axis: as in `MaxNorm`.

    Raises:
        TypeError: if the axis is no integer, or list of them.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> np.round(keras.constraints.UnitNorm()(np.array([[3.0], [4.0]])), 4)
        array([[0.6],
               [0.8]], dtype=float32)
    """

    def __init__(self, axis: Axes = 0) -> None:
        super().__init__(axis)

    def __call__(self, w: Any) -> Any:
        from pycnn.core.operations import arithmetic

        return arithmetic.divide(w, _EPSILON + self._norms(w))


class MinMaxNorm(_OfNorms):
    """Weights are scaled, or by a part, so that their norm is between two limits.

    Args:
        min_value: the lower limit, at least 0.
        max_value: the upper limit, at least 0.
        rate: the norm becomes (1 - rate) * norm + rate * the nearest allowed norm; 1 for all the way at once.
        axis: as in `MaxNorm`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> np.round(keras.constraints.MinMaxNorm(1.0, 2.0)(np.array([[0.3], [0.4]])), 4)
        array([[0.6],
               [0.8]], dtype=float32)
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axes = 0
    ) -> None:
        super().__init__(axis)
        self.min_value = _limit(self, "min_value", min_value)
        self.max_value = _limit(self, "max_value", max_value)
        self.rate = _limit(self, "rate", rate)

    def __call__(self, w: Any) -> Any:
        from pycnn.core.operations import arithmetic

        norms = self._norms(w)
        allowed = arithmetic.clip(norms, self.min_value, self.max_value)
        wanted = self.rate * allowed + (1.0 - self.rate) * norms
        return arithmetic.multiply(w, wanted / (_EPSILON + norms))

    def get_config(self) -> dict[str, Any]:
        limits = {"min_value": self.min_value, "max_value": self.max_value}
        return limits | {"rate": self.rate, "axis": self.axis}


def _limit(owner: Constraint, name: str, value: Any) -> float:
    number = as_number(f"{type(owner).__name__}: {name}", value)
    if number < 0:
        raise ValueError(f"{type(owner).__name__}: {name} is {number}; expected at least 0")
    return number


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm
