"""The area under a curve of rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core.arguments import as_int, as_number
from pycnn.core.arrays import as_float32
from pycnn.core.names import unknown
from pycnn.metrics.base import as_result, quotient
from pycnn.metrics.confusion import ConfusionMetric, Decisions

_EPSILON = 1e-7
_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "minoring", "majoring")


class AUC(ConfusionMetric):
    """The area under the curve of true over false positives (ROC), or of precision over recall (PR).

    Approximated by values at thresholds.

    Args:
        num_thresholds: how many, evenly from 0 to 1; at least 2.
        curve: 'ROC', 'PR' (Davis & Goadrich 2006) or 'PRGAIN' (Flach & Kull 2015).
        summation_method: 'interpolation', or 'minoring' and 'majoring': of two values the smaller or larger.
        name: of the metric.
        dtype: None or 'float32'.
        thresholds: in place of the even ones, without 0 and 1.
        multi_label: whether columns have areas of their own, of which the mean is taken.
        num_labels: how many columns; None for those of the first predictions.
        label_weights: of the columns, in the mean or, without `multi_label`, in the counts.
        from_logits: whether predictions are logits.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> float(keras.metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        self.curve = _known("curve", str(curve).upper(), curve, _CURVES)
        self.summation_method = _known(
            "summation_method", str(summation_method), summation_method, _SUMMATIONS
        )
        self._given = thresholds is not None
        if thresholds is None:
            n = as_int("AUC: num_thresholds", num_thresholds, 2)
            inner = [i / (n - 1) for i in range(1, n - 1)]
        else:
            inner = sorted(as_number("AUC: thresholds", t) for t in thresholds)
        self.num_thresholds = len(inner) + 2
        self.multi_label = bool(multi_label)
        if num_labels and not self.multi_label:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights, np.float32)
        self._from_logits = bool(from_logits)
        every = [-_EPSILON, *inner, 1.0 + _EPSILON]
        decisions = Decisions(every, by_label=self.multi_label, label_weights=self.label_weights)
        columns = (num_labels,) if num_labels else ()
        super().__init__(decisions, name, dtype, (self.num_thresholds, *columns))

    def _make_counts(self, shape: tuple[int, ...]) -> None:
        if not self.multi_label or len(shape) == 2:
            super()._make_counts(shape)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds targets and predictions; arguments as of `Precision`'s."""
        p: Any = as_float32("y_pred", y_pred)
        if self.multi_label and not self._variables:
            if p.ndim != 2:
                raise ValueError(f"AUC: multi_label needs y_pred of shape (n, labels), not {p.shape}")
            super()._make_counts((self.num_thresholds, p.shape[1]))
        if self._from_logits:
            with np.errstate(over="ignore"):
                p = 1.0 / (1.0 + np.exp(-p))
        super().update_state(y_true, p, sample_weight)

    def result(self) -> Any:
        if not self._variables:
            return np.float32(0)
        tp, fp, tn, fn = (getattr(self, name).value.astype(np.float64) for name in self.counted)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._mean(_interpolated(tp, fp, fn))
        if self.curve == "ROC":
            x, y = quotient(fp, fp + tn), quotient(tp, tp + fn)
        elif self.curve == "PR":
            x, y = quotient(tp, tp + fn), quotient(tp, tp + fp)
        else:
            ratio = quotient(tp + fn, tn + fp)
            x = np.maximum(np.where(tp == 0, 0.0, 1.0 - ratio * quotient(fn, tp)), 0.0)
            y = np.where(tp == 0, 1.0, 1.0 - ratio * quotient(fp, tp))
        low, high = y[:-1], y[1:]
        heights = {
            "interpolation": (low + high) / 2.0,
            "minoring": np.minimum(low, high),
            "majoring": np.maximum(low, high),
        }
        return self._mean((x[:-1] - x[1:]) * heights[self.summation_method])

    def _mean(self, parts: Any) -> Any:
        areas = parts.sum(0)
        if not self.multi_label:
            return as_result(areas)
        weights = np.ones_like(areas) if self.label_weights is None else self.label_weights
        return as_result(quotient((areas * weights).sum(), weights.sum()))

    def get_config(self) -> dict[str, Any]:
        own = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self._from_logits,
        }
        return super().get_config() | own | ({"thresholds": self.thresholds[1:-1]} if self._given else {})


def _interpolated(tp: Any, fp: Any, fn: Any) -> Any:
    """Areas under precision over recall, where positives are interpolated and not their ratio."""
    positives = tp + fp
    gained = tp[:-1] - tp[1:]
    slope = quotient(gained, np.maximum(positives[:-1] - positives[1:], 0))
    intercept = tp[1:] - slope * positives[1:]
    inside = (positives[:-1] > 0) & (positives[1:] > 0)
    ratio = np.where(inside, quotient(positives[:-1], np.maximum(positives[1:], 0)), 1.0)
    return quotient(slope * (gained + intercept * np.log(ratio)), np.maximum(tp[1:] + fn[1:], 0))


def _known(argument: str, found: str, given: Any, known: tuple[str, ...]) -> str:
    if found not in known:
        raise unknown(f"AUC {argument}", given, known)
    return found
