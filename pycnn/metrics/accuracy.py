"""Accuracies: how often predictions are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_float32
from pycnn.metrics.base import Metric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


class Accuracy(Metric):
    """Base of the accuracies: the fraction of right predictions."""

    kind: ClassVar[str]
    _direction = "up"

    def _right(self, y_true: ArrayLike, y_pred: ArrayLike) -> F32:
        raise NotImplementedError

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds predictions.

        Args:
            y_true: labels.
            y_pred: predictions.
            sample_weight: weights of the samples, or None.

        Raises:
            ValueError: if the shapes do not fit.
        """
        self._add_values(self._right(y_true, y_pred), sample_weight)

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Adds predictions and returns the accuracy so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


class SparseCategoricalAccuracy(Accuracy):
    """How often the largest prediction is that of the class whose number is the label.

    Args:
        name: of the metric, and its key in History.
        dtype: None or 'float32'.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.SparseCategoricalAccuracy()([1, 0], [[0.1, 0.9], [0.2, 0.8]])
        0.5
    """

    kind = "sparse_categorical_accuracy"

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def _right(self, y_true: ArrayLike, y_pred: ArrayLike) -> F32:
        return sparse_categorical_accuracy(y_true, y_pred)


class CategoricalAccuracy(Accuracy):
    """How often the largest prediction and the largest target are of one class.

    Args:
        name: of the metric, and its key in History.
        dtype: None or 'float32'.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.CategoricalAccuracy()([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]])
        0.5
    """

    kind = "categorical_accuracy"

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def _right(self, y_true: ArrayLike, y_pred: ArrayLike) -> F32:
        return categorical_accuracy(y_true, y_pred)


class BinaryAccuracy(Accuracy):
    """How often predictions are on the target's side of the threshold.

    Args:
        name: of the metric, and its key in History.
        dtype: None or 'float32'.
        threshold: predictions above it count as 1, others as 0. Models count with 0.5 only.

    Raises:
        TypeError, ValueError: if the threshold is not a number from 0 to 1.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.BinaryAccuracy()([[0], [1]], [[0.1], [0.2]])
        0.5
    """

    kind = "binary_accuracy"

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.threshold = as_number("BinaryAccuracy: threshold", threshold)
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"BinaryAccuracy: threshold is {threshold!r}; expected a number from 0 to 1")

    def _right(self, y_true: ArrayLike, y_pred: ArrayLike) -> F32:
        return binary_accuracy(y_true, y_pred, self.threshold)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"threshold": self.threshold}


def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> F32:
    """1 for each right prediction, else 0.

    Args:
        y_true: class numbers (n, ...), or (n, ..., 1).
        y_pred: predictions (n, ..., classes).

    Returns:
        A float32 array (n, ...).

    Raises:
        ValueError: if the shapes do not fit.
    """
    labels, predictions = as_float32("y_true", y_true), as_float32("y_pred", y_pred)
    if labels.ndim == predictions.ndim and labels.shape[-1:] == (1,):
        labels = labels[..., 0]
    _check_shapes(labels.shape, predictions.shape[:-1])
    return _as_float32(labels == predictions.argmax(-1))


def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> F32:
    """1 for each right prediction, else 0.

    Args:
        y_true: one-hot labels or probabilities (n, ..., classes).
        y_pred: predictions (n, ..., classes).

    Returns:
        A float32 array (n, ...).

    Raises:
        ValueError: if the shapes do not fit.
    """
    targets, predictions = as_float32("y_true", y_true), as_float32("y_pred", y_pred)
    _check_shapes(targets.shape, predictions.shape)
    return _as_float32(targets.argmax(-1) == predictions.argmax(-1))


def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5) -> F32:
    """The fraction of right predictions in each sample.

    Args:
        y_true: zeros and ones (n, ..., d), or (n,) for predictions (n, 1).
        y_pred: predictions (n, ..., d).
        threshold: predictions above it count as 1.

    Returns:
        A float32 array (n, ...).

    Raises:
        ValueError: if the shapes do not fit.
    """
    targets, predictions = as_float32("y_true", y_true), as_float32("y_pred", y_pred)
    if targets.ndim == predictions.ndim - 1 and predictions.shape[-1] == 1:
        targets = targets[..., None]
    _check_shapes(targets.shape, predictions.shape)
    return _as_float32(np.mean(targets == (predictions > threshold), -1))


def _as_float32(values: Any) -> F32:
    return np.asarray(values, np.float32)


def _check_shapes(y_true: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if y_true != expected:
        raise ValueError(f"y_true has shape {y_true}, which does not fit y_pred; expected {expected}")
