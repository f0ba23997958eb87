"""The mean of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.core.arrays import as_float32
from pycnn.metrics.base import Metric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Mean(Metric):
    """The weighted mean of values.

    Args:
        name: of the metric.
        dtype: None or 'float32'.

    Example:
        >>> import pycnn as keras
        >>> mean = keras.metrics.Mean()
        >>> mean.update_state([1, 3])
        >>> mean.result()
        2.0
    """

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Adds values, each with its weight."""
        self._add_values(as_float32("values", values), sample_weight)

    def __call__(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Adds values and returns the mean so far."""
        self.update_state(values, sample_weight)
        return self.result()
