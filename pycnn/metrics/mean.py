"""Means and sums of values, and means of functions of targets and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from pycnn.core.arrays import as_float32
from pycnn.losses.operands import same_rank
from pycnn.metrics.base import Metric


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

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.count = 0.0

    def reset_state(self) -> None:
        super().reset_state()
        self.total = self.count = 0.0

    def add(self, total: float, count: float) -> None:
        """Adds values of which the sum and the (weighted) number are known."""
        self.total += total
        self.count += count

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values, each with its weight.

        Raises:
            ValueError: if the weights' shape does not fit.
        """
        values, weight = per_sample(as_float32("values", values), sample_weight, np.mean)
        samples = values.shape[0] if values.ndim else 1
        total = float(np.sum(values, dtype=np.float64))
        self.add(total, samples if weight is None else float(np.sum(weight, dtype=np.float64)))

    def result(self) -> Any:
        """The mean so far; 0 if there was nothing."""
        return self.total / self.count if self.count else 0.0


class Sum(Metric):
    """The weighted sum of values.

    Args:
        name: of the metric.
        dtype: None or 'float32'.

    Example:
        >>> import pycnn as keras
        >>> float(keras.metrics.Sum()([1, 3], sample_weight=[1, 2]))
        7.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values, each times its weight.

        Raises:
            ValueError: if the weights' shape does not fit.
        """
        values, _ = per_sample(as_float32("values", values), sample_weight, np.sum)
        self.total.assign_add(np.sum(values))

    def result(self) -> Any:
        return np.float32(self.total.value)


def per_sample(values: Any, sample_weight: Any, reduce: Callable[..., Any]) -> tuple[Any, Any]:
    """Values times weights, and the weights, of each sample: further axes reduced as Keras does it."""
    weight = None
    if sample_weight is not None:
        values, weight = same_rank(values, as_float32("sample_weight", sample_weight))
        if values.ndim > weight.ndim:
            values = reduce(values, tuple(range(weight.ndim, values.ndim)))
        try:
            weight = np.broadcast_to(weight, values.shape)
        except ValueError:
            raise ValueError(
                f"sample_weight has shape {weight.shape}; expected one that fits {values.shape}"
            ) from None
        values = values * weight
        if weight.ndim > 1:
            weight = reduce(weight, tuple(range(1, weight.ndim)))
    return (reduce(values, tuple(range(1, values.ndim))) if values.ndim > 1 else values), weight


class MeanMetricWrapper(Mean):
    """The mean of a function f(y_true, y_pred), which models compute in the C++ core.

    Args:
        fn: written with `keras.ops`; gives values of samples, (n, ...), or one number.
        name: None for the function's.
        dtype: None or 'float32'.
        kwargs: further arguments of the function.

    Example:
        >>> import pycnn as keras
        >>> gap = keras.metrics.MeanMetricWrapper(lambda t, p: keras.ops.abs(t - p), name="gap")
        >>> gap.update_state([1.0, 2.0], [1.5, 2.0])
        >>> gap.result()
        0.25
    """

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", "function"), dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    @property
    def is_traced(self) -> bool:
        cls = type(self)
        return (
            cls.update_state is MeanMetricWrapper.update_state
            and cls.result is Mean.result
            and cls.reset_state is Mean.reset_state
        )

    @property
    def is_counted(self) -> bool:
        return self.is_traced and self.kind is not None

    def function(self, y_true: Any, y_pred: Any) -> Any:
        """The values of samples."""
        return self._fn(y_true, y_pred, **self._fn_kwargs)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Adds targets and predictions.

        Args:
            y_true: targets.
            y_pred: predictions.
            sample_weight: weights of the samples, or None.

        Raises:
            ValueError: if the shapes do not fit.
        """
        y_true = as_float32("y_true", y_true)
        values = np.asarray(self.function(y_true, as_float32("y_pred", y_pred)), np.float32)
        Mean.update_state(self, values, self._weights(sample_weight, y_true, values))

    def _weights(self, sample_weight: Any, y_true: Any, values: Any) -> Any:
        """The weights of the values, where there are some."""
        return sample_weight


class FormulaMetric(MeanMetricWrapper):
    """The mean of one function of this package or of `keras.losses`, with its arguments as attributes.

    Args:
        name: None for the function's.
        dtype: None or 'float32'.
        arguments: of the function, by name.
    """

    formula: ClassVar[Callable[..., Any]]
    arguments: ClassVar[tuple[str, ...]] = ()  # in the configuration

    def __init__(self, name: str | None = None, dtype: Any = None, **arguments: Any) -> None:
        super().__init__(type(self).formula, name, dtype, **arguments)
        for argument, value in arguments.items():
            setattr(self, argument, value)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {name: getattr(self, name) for name in self.arguments}
