"""Cross-entropies of class numbers, one-hot labels and yes or no; focal ones, which care for hard samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.arguments import as_int, as_number
from pycnn.core.arrays import as_float32, as_labels
from pycnn.losses.base import FormulaLoss, losses_of
from pycnn.losses.operands import as_operands, is_symbolic, ops, pair

_EPSILON = 1e-7


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """The loss of each sample; see `SparseCategoricalCrossentropy`. Where a label is ignored it is 0."""
    if axis == -1 and ignore_class is None:
        return losses_of("sparse_categorical_crossentropy", y_true, y_pred, from_logits)
    y_true, y_pred = as_operands(y_true, y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    counts = ops.not_equal(y_true, float(ignore_class))
    labels = ops.where(counts, y_true, 0.0)
    if not is_symbolic(y_pred):
        _check_labels("y_true", labels, y_pred.shape, axis)
    scores = ops.where(ops.expand_dims(counts, axis), y_pred, 0.0)
    values = ops.sparse_categorical_crossentropy(labels, scores, from_logits, axis)
    return ops.where(counts, values, 0.0)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """The loss of each sample; see `CategoricalCrossentropy`."""
    if axis == -1:
        return losses_of("categorical_crossentropy", y_true, y_pred, from_logits, label_smoothing)
    y_true, y_pred = pair(y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, 1.0 / y_pred.shape[-1])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits, axis)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """The loss of each sample; see `BinaryCrossentropy`."""
    if axis == -1:
        return losses_of("binary_crossentropy", y_true, y_pred, from_logits, label_smoothing)
    y_true, y_pred = pair(y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, 0.5)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits), axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The loss of each sample; see `BinaryFocalCrossentropy`."""
    y_true, y_pred = pair(y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, 0.5)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    right = _mixed(y_true, p, ops.subtract(1.0, p))
    values = ops.binary_crossentropy(y_true, p)
    values = ops.multiply(ops.power(ops.subtract(1.0, right), float(gamma)), values)
    if apply_class_balancing:
        values = ops.multiply(_mixed(y_true, alpha, 1.0 - alpha), values)
    return ops.mean(values, axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The loss of each sample; see `CategoricalFocalCrossentropy`."""
    y_true, y_pred = pair(y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, 1.0 / y_pred.shape[-1])
    p = ops.softmax(y_pred, axis) if from_logits else y_pred
    p = ops.clip(ops.divide(p, ops.sum(p, axis, True)), _EPSILON, 1.0 - _EPSILON)
    values = ops.negative(ops.multiply(y_true, ops.log(p)))
    weight = ops.multiply(ops.power(ops.subtract(1.0, p), float(gamma)), alpha)
    return ops.sum(ops.multiply(weight, values), axis)


def _smoothed(y_true: Any, smoothing: float, rest: float) -> Any:
    return ops.add(ops.multiply(y_true, 1.0 - smoothing), smoothing * rest) if smoothing else y_true


def _mixed(share: Any, x: Any, y: Any) -> Any:
    """share x + (1 - share) y."""
    return ops.add(ops.multiply(share, x), ops.multiply(ops.subtract(1.0, share), y))


def _check_labels(name: str, labels: Any, shape: tuple[int, ...], axis: int) -> None:
    last = list(shape)
    classes = last.pop(axis)
    as_labels(name, labels, (*last[1:], classes), classes)


class _Crossentropy(FormulaLoss):
    """What the cross-entropies share."""

    def __init__(
        self,
        from_logits: bool,
        label_smoothing: float,
        axis: int,
        reduction: str | None,
        name: str,
        dtype: Any,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.from_logits = bool(from_logits)
        owner = type(self).__name__
        self.label_smoothing = as_number(f"{owner}: label_smoothing", label_smoothing)
        if not 0 <= self.label_smoothing <= 1:
            raise ValueError(
                f"{owner}: label_smoothing is {label_smoothing!r}; expected a number from 0 to 1"
            )
        self.axis = as_int(f"{owner}: axis", axis, -8)

    @property
    def kind(self) -> str | None:
        return super().kind if self.axis == -1 else None


class SparseCategoricalCrossentropy(_Crossentropy):
    """-log(p[label]) for class numbers as labels.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        ignore_class: a label whose places do not count; None for none.
        reduction: see `Loss`.
        axis: of the classes.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> loss = keras.losses.SparseCategoricalCrossentropy()
        >>> print(f"{loss([1], [[0.5, 0.5]]):.4f}")
        0.6931
    """

    formula = "sparse_categorical_crossentropy"
    function = staticmethod(sparse_categorical_crossentropy)
    arguments = ("from_logits", "ignore_class")
    hidden = ("axis",)
    takes_labels = True

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, 0.0, axis, reduction, name, dtype)
        if ignore_class is not None:
            ignore_class = as_int("SparseCategoricalCrossentropy: ignore_class", ignore_class, -(2**24))
        self.ignore_class = ignore_class

    @property
    def kind(self) -> str | None:
        return super().kind if self.ignore_class is None else None

    @property
    def is_masked(self) -> bool:
        return self.ignore_class is not None

    def mask(self, y_true: Any, values: Any) -> Any:
        if self.ignore_class is None:
            return None
        if not is_symbolic(y_true):
            y_true = as_float32("y_true", y_true)
        if y_true.ndim > values.ndim:
            y_true = ops.squeeze(y_true, self.axis)
        return ops.cast(ops.not_equal(y_true, float(self.ignore_class)), "float32")

    def check_targets(self, name: str, y: Any, output_shape: tuple[int, ...]) -> None:
        labels = np.asarray(y)
        if self.ignore_class is not None:
            labels = np.where(labels == self.ignore_class, 0, labels)
        _check_labels(name, labels, (len(labels), *output_shape), self.axis)


class CategoricalCrossentropy(_Crossentropy):
    """-sum of y_true * log(p), for one-hot labels or probabilities.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become y_true * (1 - s) + s / classes. Szegedy et al.
            2016.
        axis: of the classes.
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> loss = keras.losses.CategoricalCrossentropy()
        >>> print(f"{loss([[0, 1]], [[0.5, 0.5]]):.4f}")
        0.6931
    """

    formula = "categorical_crossentropy"
    function = staticmethod(categorical_crossentropy)
    arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)


class BinaryCrossentropy(_Crossentropy):
    """-mean of y_true * log(p) + (1 - y_true) * log(1 - p) along an axis.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become y_true * (1 - s) + s / 2.
        axis: of the mean.
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> loss = keras.losses.BinaryCrossentropy()
        >>> print(f"{loss([[0], [1]], [[0.5], [0.5]]):.4f}")
        0.6931
    """

    formula = "binary_crossentropy"
    function = staticmethod(binary_crossentropy)
    aliases = ("bce", "BCE")
    arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)


class BinaryFocalCrossentropy(_Crossentropy):
    """Binary cross-entropy times (1 - p)^gamma, p being the probability of what is right. Lin et al. 2018.

    Args:
        apply_class_balancing: whether losses are times alpha where y_true is 1, and 1 - alpha where it is 0.
        alpha: in [0, 1].
        gamma: at least 0.
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become y_true * (1 - s) + s / 2.
        axis: of the mean.
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> loss = keras.losses.BinaryFocalCrossentropy()
        >>> print(f"{loss([[0], [1]], [[0.5], [0.5]]):.4f}")
        0.1733
    """

    function = staticmethod(binary_focal_crossentropy)
    arguments = ("from_logits", "label_smoothing", "axis", "apply_class_balancing", "alpha", "gamma")

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.apply_class_balancing = bool(apply_class_balancing)
        self.alpha = as_number("BinaryFocalCrossentropy: alpha", alpha)
        self.gamma = as_number("BinaryFocalCrossentropy: gamma", gamma)


class CategoricalFocalCrossentropy(_Crossentropy):
    """Categorical cross-entropy whose terms are times alpha (1 - p)^gamma. Lin et al. 2018.

    Args:
        alpha: a number.
        gamma: at least 0.
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become y_true * (1 - s) + s / classes.
        axis: of the classes.
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> loss = keras.losses.CategoricalFocalCrossentropy()
        >>> print(f"{loss([[0, 1]], [[0.5, 0.5]]):.4f}")
        0.0433
    """

    function = staticmethod(categorical_focal_crossentropy)
    arguments = ("from_logits", "label_smoothing", "axis", "alpha", "gamma")

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.alpha = as_number("CategoricalFocalCrossentropy: alpha", alpha)
        self.gamma = as_number("CategoricalFocalCrossentropy: gamma", gamma)


bce = binary_crossentropy
