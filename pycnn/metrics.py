"""Metrics, with Keras' names and formulas. In training the C++ core counts them; these work on arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from pycnn.core import serialization
from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_float32
from pycnn.core.names import snake_case, unknown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    F32: TypeAlias = NDArray[np.float32]

__all__ = [
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "Mean",
    "Metric",
    "SparseCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "deserialize",
    "get",
    "serialize",
    "sparse_categorical_accuracy",
]


class Metric:
    """Base of the metrics: a mean over all values since the last reset.

    Args:
        name: None for the class's.
        dtype: None or 'float32'.
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.dtype = serialization.checked_dtype(dtype, type(self).__name__)
        self.name = name or snake_case(type(self).__name__)
        self.reset_state()

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
            try:
                weight = np.broadcast_to(
                    given.reshape(given.shape + (1,) * (values.ndim - given.ndim)), values.shape
                )
            except ValueError:
                raise ValueError(
                    f"sample_weight has shape {given.shape}; expected one that fits {values.shape}"
                ) from None
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


class Accuracy(Metric):
    """Base of the accuracies: the fraction of right predictions."""

    kind: ClassVar[str]

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


_CLASSES: dict[str, type[Metric]] = {
    cls.__name__: cls for cls in (BinaryAccuracy, CategoricalAccuracy, Mean, SparseCategoricalAccuracy)
}
_NAMES: dict[str, type[Accuracy]] = {
    cls.kind: cls for cls in (BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy)
}
_FUNCTIONS: dict[Any, type[Accuracy]] = {
    binary_accuracy: BinaryAccuracy,
    categorical_accuracy: CategoricalAccuracy,
    sparse_categorical_accuracy: SparseCategoricalAccuracy,
}


def get(identifier: Any) -> Metric:
    """The metric for a name, a function of this module, a class, an object or a description of one.

    Args:
        identifier: for instance 'binary_accuracy', BinaryAccuracy or BinaryAccuracy(). 'accuracy' and 'acc'
            are one of the three accuracies, by the loss and the output's shape, and known to `compile` only.

    Returns:
        A metric.

    Raises:
        ValueError: if there is no such metric.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.get("binary_accuracy")
        <BinaryAccuracy name=binary_accuracy>
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    cls: type[Metric] | None = None
    if isinstance(identifier, str):
        cls = _NAMES.get(identifier) or _CLASSES.get(identifier)
    elif isinstance(identifier, type):
        cls = identifier if identifier in _CLASSES.values() else None
    elif callable(identifier):
        cls = _FUNCTIONS.get(identifier)
    if cls is None:
        raise unknown("metric", identifier, ["accuracy", "acc", *_NAMES])
    return cls()


def serialize(metric: Metric) -> dict[str, Any]:
    """A description of a metric, without its state, as plain data."""
    return serialization.serialize(metric, "keras.metrics")


def deserialize(config: Any) -> Metric:
    """The metric that `serialize` described."""
    return serialization.deserialize(config, _CLASSES, "metric")  # type: ignore[no-any-return]
