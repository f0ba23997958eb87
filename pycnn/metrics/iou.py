"""Intersection over union, from a confusion matrix of classes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core.arguments import as_int, as_number
from pycnn.core.arrays import as_float32
from pycnn.core.serialization import checked_dtype, dtype_name
from pycnn.metrics.base import Metric

_EPSILON = 1e-7
_INTEGERS = (None, "int", "int32", "int64")


class IoU(Metric):
    """The mean over some classes of true positives / (true positives + false positives + false negatives).

    Classes that neither targets nor predictions have do not count.

    Args:
        num_classes: how many; other class numbers do not count.
        target_class_ids: the classes.
        name: of the metric.
        dtype: None or 'int' for weights that are integers, 'float32'.
        ignore_class: a label whose places do not count; None for none.
        sparse_y_true: whether targets are class numbers, and not one-hot.
        sparse_y_pred: whether predictions are class numbers, and not scores.
        axis: of one-hot targets and of scores.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> metric = keras.metrics.IoU(num_classes=2, target_class_ids=[0])
        >>> print(metric([0, 0, 1, 1], [0, 1, 0, 1]))
        0.33333328
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        owner = type(self).__name__
        self.num_classes = as_int(f"{owner}: num_classes", num_classes, 1)
        self.target_class_ids = [as_int(f"{owner}: target_class_ids", i, 0) for i in target_class_ids]
        if max(self.target_class_ids, default=0) >= self.num_classes:
            raise ValueError(
                f"Target class id {max(self.target_class_ids)} is out of range, which is "
                f"[0, {self.num_classes})."
            )
        self.ignore_class = ignore_class
        self.sparse_y_true, self.sparse_y_pred = bool(sparse_y_true), bool(sparse_y_pred)
        self.axis = axis
        self.total_cm = self.add_variable((self.num_classes,) * 2, name="total_confusion_matrix")

    @classmethod
    def _checked_dtype(cls, dtype: Any) -> str:
        return "int32" if dtype_name(dtype) in _INTEGERS else checked_dtype(dtype, cls.__name__)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds targets and predictions.

        Args:
            y_true: class numbers, or one-hot.
            y_pred: class numbers, or scores.
            sample_weight: weights of y_true's shape without the axis of the classes, or None.

        Raises:
            ValueError: if the shapes do not fit.
        """
        y = self._labels("y_true", y_true, self.sparse_y_true)
        p = self._labels("y_pred", y_pred, self.sparse_y_pred)
        if y.shape != p.shape:
            raise ValueError(f"y_true has {y.size} class numbers, y_pred {p.size}; expected as many")
        weight = np.ones(1, np.float32)
        if sample_weight is not None:
            weight = as_float32("sample_weight", sample_weight).reshape(-1)
            if self.dtype == "int32":
                if (weight != np.trunc(weight)).any():
                    warnings.warn(
                        "IoU counts with integers, so that weights lose their fractions; with "
                        "dtype='float32' they do not",
                        stacklevel=3,
                    )
                weight = np.trunc(weight)
        weight = np.broadcast_to(weight, y.shape)
        n = self.num_classes
        valid = (y >= 0) & (y < n) & (p >= 0) & (p < n)
        if self.ignore_class is not None:
            valid &= y != self.ignore_class
        counts = np.bincount(y[valid] * n + p[valid], weight[valid], n * n)
        self.total_cm.assign_add(counts.reshape(n, n))

    def _labels(self, name: str, x: Any, sparse: bool) -> Any:
        array = as_float32(name, x)
        labels = array if sparse else array.argmax(self.axis)
        return labels.reshape(-1).astype(np.int64)

    def result(self) -> Any:
        matrix = self.total_cm.value.astype(np.float64)
        hit = np.diag(matrix)
        union = matrix.sum(0) + matrix.sum(1) - hit
        hit, union = hit[self.target_class_ids], union[self.target_class_ids]
        counts = union > 1e-9
        scores = np.where(counts, hit / (union + _EPSILON), 0.0)
        return np.float32(scores.sum() / (counts.sum() + _EPSILON))

    def get_config(self) -> dict[str, Any]:
        names = (
            "num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis",
        )  # fmt: skip
        return super().get_config() | {name: getattr(self, name) for name in names}

    def _without(self, *names: str) -> dict[str, Any]:
        """The configuration without what the constructor does not take."""
        return {name: value for name, value in IoU.get_config(self).items() if name not in names}


class BinaryIoU(IoU):
    """`IoU` of two classes, from predictions on either side of a threshold.

    Args:
        target_class_ids: of 0 and 1.
        threshold: predictions of at least this are of class 1.
        name: of the metric.
        dtype: see `IoU`.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> print(keras.metrics.BinaryIoU()([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]))
        0.58333325
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = as_number("BinaryIoU: threshold", threshold)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        above = as_float32("y_pred", y_pred) >= np.float32(self.threshold)
        super().update_state(y_true, above, sample_weight)

    def get_config(self) -> dict[str, Any]:
        own = {"threshold": self.threshold}
        return self._without("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis") | own


class MeanIoU(IoU):
    """`IoU` over all classes; arguments as there, without `target_class_ids`."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        every = range(as_int("MeanIoU: num_classes", num_classes, 1))
        super().__init__(num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return self._without("target_class_ids")


class OneHotIoU(IoU):
    """`IoU` for one-hot targets and, unless `sparse_y_pred`, scores; further arguments as there."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return self._without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for one-hot targets and, unless `sparse_y_pred`, scores; further arguments as there."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return self._without("sparse_y_true", "target_class_ids")
