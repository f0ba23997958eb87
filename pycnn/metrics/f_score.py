"""F-scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.arrays import as_float32
from pycnn.metrics.base import Metric, as_result

_EPSILON = 1e-7


class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), of each class or of all.

    Args:
        average: None for an array of the classes' scores, 'micro' (from the counts of all classes), 'macro'
            (the mean) or 'weighted' (by the classes' numbers of targets).
        beta: a float above 0: how much more recall counts.
        threshold: a float in (0, 1]: predictions above are positive; None for the largest of each sample.
        name: of the metric.
        dtype: None or 'float32'.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> metric = keras.metrics.FBetaScore(beta=2.0, threshold=0.5)
        >>> metric([[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0]])
        array([0.38461536, 0.9090908 , 0.83333325], dtype=float32)
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        owner = type(self).__name__
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                f"{owner}: average is {average!r}; expected None, 'micro', 'macro' or 'weighted'"
            )
        if not isinstance(beta, float) or not beta > 0:
            raise ValueError(f"{owner}: beta is {beta!r}; expected a float above 0")
        if threshold is not None and (not isinstance(threshold, float) or not 0 < threshold <= 1):
            raise ValueError(f"{owner}: threshold is {threshold!r}; expected a float in (0, 1], or None")
        self.average, self.beta, self.threshold = average, beta, threshold
        self._counts: Any = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds targets and predictions.

        Args:
            y_true: zeros and ones (n, classes).
            y_pred: predictions (n, classes).
            sample_weight: weights (n,), or None.

        Raises:
            ValueError: if the shapes do not fit.
        """
        y, p = as_float32("y_true", y_true), as_float32("y_pred", y_pred)
        if y.ndim != 2 or y.shape != p.shape:
            raise ValueError(
                f"{type(self).__name__} expects 2D inputs of one shape (n, classes). Received y_pred of "
                f"shape {p.shape}, y_true of shape {y.shape}"
            )
        if self._counts is None:
            shape = () if self.average == "micro" else p.shape[1:]
            names = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
            self._counts = [self.add_variable(shape, name=name) for name in names]
            self.true_positives, self.false_positives, self.false_negatives, _ = self._counts
        if self.threshold is None:
            above = (p >= p.max(-1, keepdims=True)) & (np.abs(p) > 1e-9)
        else:
            above = p > np.float32(self.threshold)
        weight = (
            np.float32(1) if sample_weight is None else as_float32("sample_weight", sample_weight)[:, None]
        )
        axis = None if self.average == "micro" else 0
        hit = above.astype(np.float32)
        for count, values in zip(self._counts, (hit * y, hit * (1 - y), (1 - hit) * y, y), strict=True):
            count.assign_add(np.sum(values * weight, axis))

    def result(self) -> Any:
        if self._counts is None:
            return np.float32(0)
        tp, fp, fn, targets = (count.value.astype(np.float64) for count in self._counts)
        precision, recall = tp / (tp + fp + _EPSILON), tp / (tp + fn + _EPSILON)
        square = self.beta**2
        score = (1 + square) * precision * recall / (square * precision + recall + _EPSILON)
        if self.average == "weighted":
            score = (score * targets / (targets.sum() + _EPSILON)).sum()
        elif self.average is not None:
            score = score.mean()
        return as_result(score)

    def get_config(self) -> dict[str, Any]:
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return super().get_config() | own


class F1Score(FBetaScore):
    """2 precision recall / (precision + recall). Arguments as of `FBetaScore`, without beta.

    Example:
        >>> import pycnn as keras
        >>> metric = keras.metrics.F1Score(average="macro", threshold=0.5)
        >>> print(metric([[1, 1], [1, 0]], [[0.2, 0.6], [0.7, 0.6]]))
        0.66666657
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
