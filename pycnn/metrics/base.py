"""The base of the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pycnn.core import serialization
from pycnn.core.arrays import as_float32, weights_for
from pycnn.core.names import snake_case

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


class Metric:
    """Base of the metrics: a mean over all values since the last reset.

    Args:
        name: None for the class's.
        dtype: None or 'float32'.
    """

    kind: ClassVar[str | None] = None  # the core's name of what it counts
    _direction: str | None = None  # 'up' or 'down': which values are better, for callbacks' mode 'auto'
    function: Any = None  # of targets and predictions, where that is traced

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.dtype = serialization.checked_dtype(dtype, type(self).__name__)
        self.name = name or snake_case(type(self).__name__)
        self.reset_state()

    @property
    def is_counted(self) -> bool:
        """Whether the core counts it in training."""
        return self.kind is not None

    @property
    def is_traced(self) -> bool:
        """Whether it is the mean of a function of targets and predictions, which is traced."""
        return False

    def reset_state(self) -> None:
        """Forgets all values."""
        self.total = 0.0
        self.count = 0.0

    def add(self, total: float, count: float) -> None:
        """Adds values of which the sum and the (weighted) number are known."""
        self.total += total
        self.count += count

    def result(self) -> float:
        """The mean so far; 0 if there was nothing."""
        return self.total / self.count if self.count else 0.0

    def _add_values(self, values: F32, sample_weight: ArrayLike | None) -> None:
        weight = np.ones(values.shape, np.float32)
        if sample_weight is not None:
            given = as_float32("sample_weight", sample_weight)
            weight = np.broadcast_to(weights_for(given, values.shape), values.shape)
        self.add(float(np.sum(values * weight, dtype=np.float64)), float(weight.sum(dtype=np.float64)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new metric from the dict that `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class MeanMetricWrapper(Metric):
    """The mean of a function f(y_true, y_pred), which models compute in the C++ core.

    Args:
        function: written with `keras.ops`; gives values of samples, (n, ...), or one number.
        name: None for the function's.
        dtype: None or 'float32'.

    Example:
        >>> import pycnn as keras
        >>> gap = keras.metrics.MeanMetricWrapper(lambda t, p: keras.ops.abs(t - p), name="gap")
        >>> gap.update_state([1.0, 2.0], [1.5, 2.0])
        >>> gap.result()
        0.25
    """

    def __init__(self, function: Any, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name or getattr(function, "__name__", "function"), dtype)
        self.function = function

    @property
    def is_traced(self) -> bool:
        return True

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds targets and predictions."""
        values = self.function(as_float32("y_true", y_true), as_float32("y_pred", y_pred))
        self._add_values(np.asarray(values, np.float32), sample_weight)
