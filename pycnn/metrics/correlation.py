"""How far predictions go along with their targets."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.core.arrays import as_float32
from pycnn.losses.operands import ops, pair
from pycnn.metrics.base import Metric, as_result
from pycnn.metrics.mean import FormulaMetric

_EPSILON = 1e-7


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Pearson's correlation along an axis, in [-1, 1]."""

    def standardized(x: Any) -> Any:
        centered = ops.subtract(x, ops.mean(x, axis, True))
        return ops.divide(centered, ops.std(centered, axis, True))

    y_true, y_pred = (standardized(x) for x in pair(y_true, y_pred))
    return ops.mean(ops.multiply(y_true, y_pred), axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Lin's concordance correlation (1989) along an axis: like Pearson's, but for y_pred = y_true only 1."""
    y_true, y_pred = pair(y_true, y_pred)
    mean_true, mean_pred = (ops.mean(x, axis, True) for x in (y_true, y_pred))
    variances = (
        ops.var(ops.subtract(x, m), axis, True) for x, m in ((y_true, mean_true), (y_pred, mean_pred))
    )
    product = ops.multiply(ops.subtract(y_true, mean_pred), ops.subtract(y_pred, mean_pred))
    size = ops.add(ops.add(*variances), ops.square(ops.subtract(mean_true, mean_pred)))
    return ops.mean(ops.divide(ops.multiply(product, 2.0), ops.add(size, _EPSILON)), axis)


class PearsonCorrelation(FormulaMetric):
    """The mean of Pearson's correlations of samples, in [-1, 1].

    Args:
        name: of the metric.
        dtype: None or 'float32'.
        axis: along which.

    Example:
        >>> import pycnn as keras
        >>> round(keras.metrics.PearsonCorrelation()([[0, 1, 2]], [[1, 3, 5]]), 4)
        1.0
    """

    formula = staticmethod(pearson_correlation)
    arguments = ("axis",)

    def __init__(self, name: str = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype, axis=axis)


class ConcordanceCorrelation(FormulaMetric):
    """The mean of the concordance correlations of samples, in [-1, 1]. Lin 1989.

    Args:
        name: of the metric.
        dtype: None or 'float32'.
        axis: along which.

    Example:
        >>> import pycnn as keras
        >>> round(keras.metrics.ConcordanceCorrelation()([[0, 1, 2]], [[0, 1, 2]]), 4)
        1.0
    """

    formula = staticmethod(concordance_correlation)
    arguments = ("axis",)

    def __init__(self, name: str = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype, axis=axis)


class R2Score(Metric):
    """The coefficient of determination: 1 - sum of (y - p)^2 / sum of (y - mean of y)^2.

    Args:
        class_aggregation: 'uniform_average' (the mean over the columns), 'variance_weighted_average', or
            None for an array of the columns' scores.
        num_regressors: p of the adjusted score 1 - (1 - score) (n - 1) / (n - p - 1); 0 for the score itself.
        name: of the metric.
        dtype: None or 'float32'.

    Raises:
        ValueError: if an argument has another value.

    Example:
        >>> import pycnn as keras
        >>> float(keras.metrics.R2Score()([[1], [2], [3]], [[1], [2], [4]]))
        0.5
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        allowed = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in allowed:
            raise ValueError(
                f"R2Score: class_aggregation is {class_aggregation!r}; expected one of {allowed}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = as_int("R2Score: num_regressors", num_regressors, 0)
        self.reset_state()

    def reset_state(self) -> None:
        self._samples = 0
        self._sums: Any = np.zeros((4, 1))  # of weights, y, y^2 and (y - p)^2, for each column

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds targets and predictions, both (n, d); arguments as of every metric."""
        y, p = pair(as_float32("y_true", y_true), as_float32("y_pred", y_pred))
        if y.ndim != 2:
            raise ValueError(f"R2Score expects arrays of shape (n, d). Received y_true of shape {y.shape}")
        weight = np.float32(1) if sample_weight is None else as_float32("sample_weight", sample_weight)
        weight = np.broadcast_to(weight[:, None] if np.ndim(weight) == 1 else weight, y.shape)
        terms = (weight, y * weight, y * y * weight, (y - p) ** 2 * weight)
        self._sums = self._sums + np.stack([term.sum(0, dtype=np.float64) for term in terms])
        self._samples += y.size

    def result(self) -> Any:
        count, total, squares, residual = self._sums
        with np.errstate(all="ignore"):
            spread = squares - total * (total / count)
            scores = 1.0 - residual / spread
        scores = np.where(np.isinf(scores), 0.0, scores)
        if self.class_aggregation is None:
            score: Any = scores
        elif self.class_aggregation == "uniform_average":
            score = scores.mean()
        else:
            score = (spread * scores).sum() / spread.sum()
        n, p = self._samples, self.num_regressors
        if p and p >= n - 1:
            warnings.warn(
                "R2Score: there are no more samples than `num_regressors`; this is the score itself, not the "
                "adjusted one.",
                stacklevel=2,
            )
        elif p:
            score = 1.0 - (1.0 - score) * (n - 1.0) / (n - p - 1.0)
        return as_result(score)

    def get_config(self) -> dict[str, Any]:
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return super().get_config() | own
