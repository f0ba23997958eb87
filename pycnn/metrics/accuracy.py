"""Accuracies: how often predictions are right."""

from __future__ import annotations

from typing import Any

from pycnn.core.arguments import as_int, as_number
from pycnn.losses.operands import as_operands, is_symbolic, ops, pair
from pycnn.metrics.mean import FormulaMetric


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where a prediction is its target, else 0: a float32 array of y_pred's shape."""
    return ops.cast(ops.equal(*pair(y_true, y_pred)), "float32")


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where a prediction is on its target's side of a threshold, else 0.

    Args:
        y_true: zeros and ones (n, ..., d), or (n,) for predictions (n, 1).
        y_pred: predictions (n, ..., d).
        threshold: predictions above it count as 1.

    Returns:
        A float32 array of y_pred's shape.

    Raises:
        ValueError: if the shapes do not fit.
    """
    y_true, y_pred = pair(y_true, y_pred)
    above = ops.cast(ops.greater(y_pred, threshold), "float32")
    return ops.cast(ops.equal(y_true, above), "float32")


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 for each right prediction, else 0.

    Args:
        y_true: one-hot labels or probabilities (n, ..., classes).
        y_pred: predictions (n, ..., classes).

    Returns:
        A float32 array (n, ...).

    Raises:
        ValueError: if the shapes do not fit.
    """
    y_true, y_pred = pair(y_true, y_pred)
    return ops.cast(ops.equal(ops.argmax(y_true, -1), ops.argmax(y_pred, -1)), "float32")


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 for each right prediction, else 0.

    Args:
        y_true: class numbers (n, ...), or (n, ..., 1).
        y_pred: predictions (n, ..., classes).

    Returns:
        A float32 array (n, ...).

    Raises:
        ValueError: if the shapes do not fit.
    """
    y_true, y_pred = _labels(y_true, y_pred)
    return ops.cast(ops.equal(y_true, ops.argmax(y_pred, -1)), "float32")


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the prediction for the right class is among the k largest, else 0.

    Args:
        y_true: one-hot labels or probabilities (n, ..., classes).
        y_pred: predictions (n, ..., classes).
        k: a number of classes.

    Returns:
        A float32 array (n, ...).

    Raises:
        ValueError: if the shapes do not fit.
    """
    y_true, y_pred = pair(y_true, y_pred)
    return _in_top(ops.argmax(y_true, -1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """1 where the prediction for the right class is among the k largest, else 0.

    Args:
        y_true: class numbers (n, ...), or (n, ..., 1).
        y_pred: predictions (n, ..., classes).
        k: a number of classes.
        from_sorted_ids: whether y_pred are class numbers, the most probable first.

    Returns:
        A float32 array (n, ...).

    Raises:
        ValueError: if the shapes do not fit.
    """
    y_true, y_pred = _labels(y_true, y_pred)
    if not from_sorted_ids:
        return _in_top(y_true, y_pred, k)
    found = ops.equal(ops.expand_dims(y_true, -1), y_pred[..., :k])
    return ops.max(ops.cast(found, "float32"), -1)


def _labels(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_true, y_pred = as_operands(y_true, y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    if y_true.shape != y_pred.shape[:-1] and not is_symbolic(y_pred):
        raise ValueError(
            f"y_true has shape {y_true.shape}, which does not fit y_pred; expected {y_pred.shape[:-1]}"
        )
    return y_true, y_pred


def _in_top(labels: Any, y_pred: Any, k: int) -> Any:
    """Whether fewer than k predictions are larger than that for the label."""
    hot = ops.one_hot(labels, y_pred.shape[-1])
    mine = ops.sum(ops.multiply(hot, y_pred), -1, True)
    larger = ops.sum(ops.cast(ops.greater(y_pred, mine), "float32"), -1)
    return ops.cast(ops.less(larger, float(k)), "float32")


class _Accuracy(FormulaMetric):
    _direction = "up"


class Accuracy(_Accuracy):
    """How often predictions are their targets.

    Args:
        name: of the metric, and its key in History.
        dtype: None or 'float32'.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.Accuracy()([1, 2], [1, 3])
        0.5
    """

    formula = staticmethod(accuracy)

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class BinaryAccuracy(_Accuracy):
    """How often predictions are on the target's side of the threshold.

    Args:
        name: of the metric, and its key in History.
        dtype: None or 'float32'.
        threshold: predictions above it count as 1, others as 0.

    Raises:
        TypeError, ValueError: if the threshold is not a number from 0 to 1.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.BinaryAccuracy()([[0], [1]], [[0.1], [0.2]])
        0.5
    """

    kind = "binary_accuracy"
    formula = staticmethod(binary_accuracy)
    arguments = ("threshold",)

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        number = as_number("BinaryAccuracy: threshold", threshold)
        if not 0 <= number <= 1:
            raise ValueError(f"BinaryAccuracy: threshold is {threshold!r}; expected a number from 0 to 1")
        super().__init__(name, dtype, threshold=number)


class CategoricalAccuracy(_Accuracy):
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
    formula = staticmethod(categorical_accuracy)

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class SparseCategoricalAccuracy(_Accuracy):
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
    formula = staticmethod(sparse_categorical_accuracy)

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class TopKCategoricalAccuracy(_Accuracy):
    """How often the prediction for the class of the largest target is among the k largest.

    Args:
        k: a number of classes.
        name: of the metric, and its key in History.
        dtype: None or 'float32'.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.TopKCategoricalAccuracy(2)([[0, 1, 0], [0, 0, 1]], [[3, 2, 1], [3, 2, 1]])
        0.5
    """

    formula = staticmethod(top_k_categorical_accuracy)
    arguments = ("k",)

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype, k=as_int("TopKCategoricalAccuracy: k", k, 1))


class SparseTopKCategoricalAccuracy(_Accuracy):
    """How often the prediction for the label is among the k largest.

    Args:
        k: a number of classes.
        name: of the metric, and its key in History.
        dtype: None or 'float32'.
        from_sorted_ids: whether predictions are class numbers, the most probable first.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.SparseTopKCategoricalAccuracy(2)([1, 2], [[3, 2, 1], [3, 2, 1]])
        0.5
    """

    formula = staticmethod(sparse_top_k_categorical_accuracy)

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        k = as_int("SparseTopKCategoricalAccuracy: k", k, 1)
        super().__init__(name, dtype, k=k, from_sorted_ids=bool(from_sorted_ids))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {"k": self._fn_kwargs["k"]}
        return config | ({"from_sorted_ids": True} if self._fn_kwargs["from_sorted_ids"] else {})
