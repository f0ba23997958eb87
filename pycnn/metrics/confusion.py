"""Counts of right and wrong decisions at thresholds, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from pycnn.core.arguments import as_int, as_number
from pycnn.core.arrays import as_float32
from pycnn.losses.operands import same_rank
from pycnn.metrics.base import Metric, as_result, quotient

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
_LEAST = -1e10  # Keras' prediction for what is not among the k largest


class Decisions:
    """How predictions are counted.

    Args:
        thresholds: a prediction above one counts as positive.
        top_k: only the k largest predictions of a sample can be positive; None for all.
        class_id: the one column that counts; None for all.
        by_label: whether columns are counted by themselves.
        label_weights: of the columns; None for 1.
    """

    def __init__(
        self,
        thresholds: Sequence[float],
        top_k: int | None = None,
        class_id: int | None = None,
        by_label: bool = False,
        label_weights: Any = None,
    ) -> None:
        self.thresholds = list(thresholds)
        inner = np.clip(self.thresholds, 0.0, 1.0)
        n = len(inner)
        # Predictions are then put into bins as Keras does it, in float32.
        self._evenly = n >= 3 and np.allclose(inner, np.arange(n) / (n - 1), atol=1e-7)
        self._beyond = self.thresholds[0] < 0.0 or self.thresholds[-1] > 1.0
        self._top_k = top_k
        self._class_id = class_id
        self._by_label = by_label
        self._label_weights = label_weights

    def counts(self, y_true: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """The weighted numbers of `COUNTS`, (thresholds,), or (thresholds, columns)."""
        p, y = same_rank(as_float32("y_pred", y_pred), as_float32("y_true", y_true))
        if p.shape != y.shape:
            raise ValueError(f"y_true has shape {y.shape}; expected {p.shape}, the shape of y_pred")
        weight = np.ones(1, np.float32)
        if sample_weight is not None:
            weight = as_float32("sample_weight", sample_weight)[..., None]
            weight = same_rank(y, weight, expand_rank_1=False)[1]
        if self._top_k is not None:
            p = np.where(_is_in_top(p, self._top_k), p, np.float32(_LEAST))
        if self._class_id is not None:
            if p.ndim == 1:
                raise ValueError(f"`class_id` needs y_pred of shape (n, classes); it has shape {p.shape}")
            y, p = (x[..., self._class_id, None] for x in (y, p))
        try:
            weight = np.broadcast_to(weight, p.shape)
        except ValueError:
            raise ValueError(f"sample_weight: its shape does not fit {p.shape}, that of y_pred") from None
        if self._label_weights is not None and not self._by_label:
            weight = weight * np.asarray(self._label_weights, np.float32)
        columns = (-1, p.shape[-1]) if self._by_label else (-1, 1)
        p, right, weight = (np.reshape(x, columns) for x in (p, y != 0, weight))
        return self._binned(p, right, weight) if self._evenly else self._compared(p, right, weight)

    def _compared(self, p: Any, right: Any, weight: Any) -> dict[str, Any]:
        above = p[None] > np.asarray(self.thresholds, np.float32)[:, None, None]

        def total(chosen: Any) -> Any:
            return self._shaped((chosen * weight.astype(np.float64)).sum(1))

        pairs = ((right, above), (~right, above), (~right, ~above), (right, ~above))
        return {name: total(label & decision) for name, (label, decision) in zip(COUNTS, pairs, strict=True)}

    def _binned(self, p: Any, right: Any, weight: Any) -> dict[str, Any]:
        n, columns = len(self.thresholds), p.shape[1]
        place = (np.ceil(np.clip(p, 0, 1) * np.float32(n - 1)) - 1).astype(np.int64)
        if self._beyond:
            place = np.maximum(place, 0)

        def above(chosen: Any) -> tuple[Any, Any]:
            found = np.zeros((n, columns))
            valid = place >= 0
            np.add.at(found, (place[valid], np.nonzero(valid)[1]), (chosen * weight)[valid])
            return found[::-1].cumsum(0)[::-1], (chosen * weight).sum(0, dtype=np.float64)

        (tp, positives), (fp, negatives) = above(right), above(~right)
        values = (tp, fp, negatives - fp, positives - tp)
        return {name: self._shaped(value) for name, value in zip(COUNTS, values, strict=True)}

    def _shaped(self, counts: Any) -> Any:
        return counts if self._by_label else counts[:, 0]


def _is_in_top(p: Any, k: int) -> Any:
    """Whether a prediction is among the k largest of its sample; of equal ones the first."""
    order = np.argsort(-p, -1, kind="stable")[..., :k]
    found = np.zeros(p.shape, bool)
    np.put_along_axis(found, order, True, -1)
    return found


class ConfusionMetric(Metric):
    """A metric that is made of counts at thresholds.

    Args:
        decisions: how predictions are counted.
        name: None for the class's.
        dtype: None or 'float32'.
        shape: of the counts; None for one for each threshold.
    """

    counted: ClassVar[tuple[str, ...]] = COUNTS

    def __init__(
        self, decisions: Decisions, name: str | None, dtype: Any, shape: tuple[int, ...] | None = None
    ) -> None:
        super().__init__(dtype, name)
        self._decisions = decisions
        self.thresholds = decisions.thresholds
        self._make_counts(shape or (len(self.thresholds),))

    def _make_counts(self, shape: tuple[int, ...]) -> None:
        for name in self.counted:
            setattr(self, name, self.add_variable(shape, name=name))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds targets and predictions.

        Args:
            y_true: zeros and ones, of y_pred's shape.
            y_pred: predictions in [0, 1].
            sample_weight: weights of the samples, or None.

        Raises:
            ValueError: if the shapes do not fit.
        """
        counts = self._decisions.counts(y_true, y_pred, sample_weight)
        for name in self.counted:
            getattr(self, name).assign_add(counts[name])

    def _ratio(self, part: str, other: str) -> Any:
        """part / (part + other), and 0 where both are 0."""
        x, y = (getattr(self, name).value.astype(np.float64) for name in (part, other))
        return quotient(x, x + y)


def checked_thresholds(owner: str, thresholds: Any, default: float) -> list[float]:
    """Thresholds in [0, 1] as a list; None for the default."""
    if thresholds is None:
        return [default]
    found = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [t for t in found if t is None or not 0 <= as_number(f"{owner}: thresholds", t) <= 1]
    if wrong or not found:
        raise ValueError(f"{owner}: Threshold values must be in [0, 1]. Received: {wrong or found}")
    return [float(t) for t in found]


def _one_or_all(values: Any) -> Any:
    return as_result(values[0] if len(values) == 1 else values)


class _Count(ConfusionMetric):
    """The weighted number of decisions of one kind.

    Args:
        thresholds: a number in [0, 1] or several: predictions above are positive; None for 0.5.
        name: of the metric.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if a threshold is no such number.
    """

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        self.init_thresholds = thresholds
        super().__init__(Decisions(checked_thresholds(type(self).__name__, thresholds, 0.5)), name, dtype)

    def result(self) -> Any:
        return _one_or_all(getattr(self, self.counted[0]).value)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"thresholds": self.init_thresholds}


class TruePositives(_Count):
    """The number of positive predictions whose target is 1. Arguments as of `Precision`.

    Example:
        >>> import pycnn as keras
        >>> float(keras.metrics.TruePositives()([0, 1, 1, 1], [1, 0, 1, 1]))
        2.0
    """

    counted = ("true_positives",)


class FalsePositives(_Count):
    """The number of positive predictions whose target is 0. Arguments as of `Precision`."""

    counted = ("false_positives",)


class TrueNegatives(_Count):
    """The number of predictions that are not positive, and whose target is 0. Arguments as of `Precision`."""

    counted = ("true_negatives",)


class FalseNegatives(_Count):
    """The number of predictions that are not positive, and whose target is 1. Arguments as of `Precision`."""

    counted = ("false_negatives",)


class _Share(ConfusionMetric):
    """What `Precision` and `Recall` share."""

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        owner = type(self).__name__
        self.init_thresholds = thresholds
        self.top_k = None if top_k is None else as_int(f"{owner}: top_k", top_k, 1)
        self.class_id = None if class_id is None else as_int(f"{owner}: class_id", class_id, 0)
        found = checked_thresholds(owner, thresholds, 0.5 if top_k is None else _LEAST)
        super().__init__(Decisions(found, self.top_k, self.class_id), name, dtype)

    def result(self) -> Any:
        return _one_or_all(self._ratio(*self.counted))

    def get_config(self) -> dict[str, Any]:
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return super().get_config() | own


class Precision(_Share):
    """The fraction of positive predictions whose target is 1.

    Args:
        thresholds: a number in [0, 1] or several: predictions above are positive; None for 0.5, or for none
            with `top_k`.
        top_k: only the k largest predictions of a sample can be positive; None for all.
        class_id: the one class that counts; None for all.
        name: of the metric.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> print(keras.metrics.Precision()([0, 1, 1, 1], [1, 0, 1, 1]))
        0.6666667
    """

    counted = ("true_positives", "false_positives")


class Recall(_Share):
    """The fraction of targets 1 whose prediction is positive. Arguments as of `Precision`.

    Example:
        >>> import pycnn as keras
        >>> print(keras.metrics.Recall()([0, 1, 1, 1], [1, 0, 1, 1]))
        0.6666667
    """

    counted = ("true_positives", "false_negatives")


# Which counts the rates are made of.
_RATES = {
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
    "precision": ("true_positives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
}


class _RateAtRate(ConfusionMetric):
    """The largest value of one rate at the thresholds at which another one is large enough.

    Args:
        value: what the other rate is at least.
        num_thresholds: how many, evenly from 0 to 1.
        class_id: the one class that counts; None for all.
        name: of the metric.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.
    """

    wanted: ClassVar[str]
    given: ClassVar[str]

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        owner = type(self).__name__
        self.value = as_number(f"{owner}: {self.given}", value)
        if not 0 <= self.value <= 1:
            raise ValueError(f"Argument `{self.given}` must be in the range [0, 1]. Received: {value}")
        self.num_thresholds = as_int(f"{owner}: num_thresholds", num_thresholds, 1)
        self.class_id = None if class_id is None else as_int(f"{owner}: class_id", class_id, 0)
        n = self.num_thresholds
        thresholds = [0.5] if n == 1 else [i / (n - 1) for i in range(n)]
        super().__init__(Decisions(thresholds, class_id=self.class_id), name, dtype)

    def result(self) -> Any:
        wanted, given = (as_result(self._ratio(*_RATES[rate])) for rate in (self.wanted, self.given))
        return np.float32(np.max(np.where(given >= np.float32(self.value), wanted, 0), initial=0))

    def get_config(self) -> dict[str, Any]:
        own = {"num_thresholds": self.num_thresholds, self.given: self.value, "class_id": self.class_id}
        return super().get_config() | own


class SensitivityAtSpecificity(_RateAtRate):
    """The best sensitivity where the specificity is at least `specificity`. See `PrecisionAtRecall`."""

    wanted, given = "sensitivity", "specificity"

    def __init__(self, specificity: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(specificity, *args, **kwargs)


class SpecificityAtSensitivity(_RateAtRate):
    """The best specificity where the sensitivity is at least `sensitivity`. See `PrecisionAtRecall`."""

    wanted, given = "specificity", "sensitivity"

    def __init__(self, sensitivity: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(sensitivity, *args, **kwargs)


class PrecisionAtRecall(_RateAtRate):
    """The best precision where the recall is at least `recall`.

    Args:
        recall: in [0, 1].
        args: num_thresholds (200, evenly from 0 to 1), class_id (the one class that counts; None for all),
            name, dtype.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> metric = keras.metrics.PrecisionAtRecall(0.5)
        >>> float(metric([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    wanted, given = "precision", "recall"

    def __init__(self, recall: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(recall, *args, **kwargs)


class RecallAtPrecision(_RateAtRate):
    """The best recall where the precision is at least `precision`. See `PrecisionAtRecall`."""

    wanted, given = "recall", "precision"

    def __init__(self, precision: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(precision, *args, **kwargs)
