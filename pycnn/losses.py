"""Losses, with Keras' names and formulas. Networks compute them in the C++ core, and so do these.

Cross-entropies of probabilities normalise them, then clip to [1e-7, 1 - 1e-7]. The functions give the loss of
each sample, a float32 array of y_pred's shape without its last axis, and raise as the classes do.

Example:
    >>> import pycnn as keras
    >>> keras.losses.mean_squared_error([[1, 2], [0, 0]], [[2, 4], [0, 0]])
    array([2.5, 0. ], dtype=float32)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.core import serialization
from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_float32, as_labels, as_targets
from pycnn.core.names import snake_case, unknown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    F32: TypeAlias = NDArray[np.float32]

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_squared_error",
    "mse",
    "serialize",
    "sparse_categorical_crossentropy",
]


class Loss:
    """Base of the losses: called with targets and predictions, gives the batch's mean loss.

    Args:
        name: None for the class's.
        reduction: 'sum_over_batch_size' (the mean of all losses), 'sum' or None (an array of them). Models
            need the first.
        dtype: None or 'float32'.
    """

    kind: ClassVar[str]
    from_logits = False
    label_smoothing = 0.0

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        serialization.checked_dtype(dtype, type(self).__name__)
        self.name = name or snake_case(type(self).__name__)
        if reduction not in ("sum_over_batch_size", "sum", "none", None):
            raise unknown("reduction", reduction, ("sum_over_batch_size", "sum", "none"))
        self.reduction = None if reduction == "none" else reduction

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> F32:
        """The loss of each sample: an array of y_pred's shape without its last axis."""
        return _losses(self.kind, y_true, y_pred, self.from_logits, self.label_smoothing)

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """The reduced loss.

        Args:
            y_true: class numbers (n,) for the sparse loss, else targets of y_pred's shape.
            y_pred: predictions (n, ..., classes).
            sample_weight: factors of the samples' losses, or None.

        Returns:
            A float32 number, or an array where `reduction` is None.

        Raises:
            ValueError: if shapes or labels do not fit.
        """
        values = self.call(y_true, y_pred)
        if sample_weight is not None:
            weight = as_float32("sample_weight", sample_weight)
            values = values * weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
        if self.reduction is None:
            return values
        total = values.sum(dtype=np.float64)
        return np.float32(total if self.reduction == "sum" else total / max(values.size, 1))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new loss from the dict that `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class _Crossentropy(Loss):
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
        super().__init__(name, reduction, dtype)
        self.from_logits = bool(from_logits)
        owner = type(self).__name__
        self.label_smoothing = as_number(f"{owner}: label_smoothing", label_smoothing)
        if not 0 <= self.label_smoothing <= 1:
            raise ValueError(
                f"{owner}: label_smoothing is {label_smoothing!r}; expected a number from 0 to 1"
            )
        if axis != -1:
            raise ValueError(f"{owner}: axis {axis!r} is not supported; classes are along the last axis, -1")

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": -1,
        }


class SparseCategoricalCrossentropy(_Crossentropy):
    """-log(p[label]) for class numbers as labels.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        ignore_class: only None.
        reduction: see `Loss`.
        axis: only -1.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> loss = keras.losses.SparseCategoricalCrossentropy()
        >>> print(f"{loss([1], [[0.5, 0.5]]):.4f}")
        0.6931
    """

    kind = "sparse_categorical_crossentropy"

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, 0.0, axis, reduction, name, dtype)
        if ignore_class is not None:
            raise ValueError(f"ignore_class is not supported; expected None, not {ignore_class!r}")

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self) | {"from_logits": self.from_logits, "ignore_class": None}


class CategoricalCrossentropy(_Crossentropy):
    """-sum of y_true * log(p), for one-hot labels or probabilities.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become y_true * (1 - s) + s / classes. Szegedy et al. 2016.
        axis: only -1.
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> loss = keras.losses.CategoricalCrossentropy()
        >>> print(f"{loss([[0, 1]], [[0.5, 0.5]]):.4f}")
        0.6931
    """

    kind = "categorical_crossentropy"

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
    """-mean of y_true * log(p) + (1 - y_true) * log(1 - p) along the last axis.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: s in [0, 1]: targets become y_true * (1 - s) + s / 2.
        axis: only -1.
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> loss = keras.losses.BinaryCrossentropy()
        >>> print(f"{loss([[0], [1]], [[0.5], [0.5]]):.4f}")
        0.6931
    """

    kind = "binary_crossentropy"

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


class MeanSquaredError(Loss):
    """The mean of (y_pred - y_true)^2 along the last axis.

    Args:
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.MeanSquaredError()([[1, 2]], [[2, 4]]))
        2.5
    """

    kind = "mean_squared_error"

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)


def sparse_categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, ignore_class: None = None, axis: int = -1
) -> F32:
    """The loss of each sample; see `SparseCategoricalCrossentropy`."""
    return SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis).call(y_true, y_pred)


def categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> F32:
    """The loss of each sample; see `CategoricalCrossentropy`."""
    return CategoricalCrossentropy(from_logits, label_smoothing, axis).call(y_true, y_pred)


def binary_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> F32:
    """The loss of each sample; see `BinaryCrossentropy`."""
    return BinaryCrossentropy(from_logits, label_smoothing, axis).call(y_true, y_pred)


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> F32:
    """The loss of each sample; see `MeanSquaredError`."""
    return MeanSquaredError().call(y_true, y_pred)


mse = mean_squared_error


def smoothed(kind: str, targets: F32, smoothing: float) -> F32:
    """Targets with label smoothing."""
    if not smoothing:
        return targets
    rest = 0.5 if kind == "binary_crossentropy" else 1.0 / targets.shape[-1]
    return np.asarray(targets * (1.0 - smoothing) + smoothing * rest, np.float32)


def _losses(kind: str, y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool, smoothing: float) -> F32:
    predictions = as_float32("y_pred", y_pred)
    if predictions.ndim == 0:
        raise ValueError("y_pred is a single number; expected an array (n, ..., classes)")
    shape = predictions.shape
    rows = predictions.reshape(math.prod(shape[:-1]), shape[-1])
    if kind == "sparse_categorical_crossentropy":
        labels = as_labels("y_true", y_true, shape[1:], shape[-1])
        if labels.shape != shape[:-1]:
            raise ValueError(
                f"y_true has shape {labels.shape}; expected {shape[:-1]}, one label for each prediction"
            )
        losses = _core.loss_forward_backward(kind, rows, labels.reshape(-1), None, from_logits)[0]
    else:
        targets = smoothed(kind, as_targets("y_true", y_true, shape[1:]), smoothing)
        if targets.shape != shape:
            raise ValueError(f"y_true has shape {targets.shape}; expected {shape}, the shape of y_pred")
        losses = _core.loss_forward_backward(kind, rows, None, targets.reshape(rows.shape), from_logits)[0]
    result: F32 = losses.reshape(shape[:-1])
    return result


_CLASSES: dict[str, type[Loss]] = {
    cls.__name__: cls
    for cls in (BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy)
}
_NAMES: dict[str, type[Loss]] = {cls.kind: cls for cls in _CLASSES.values()} | {"mse": MeanSquaredError}
_FUNCTIONS = {
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    binary_crossentropy: BinaryCrossentropy,
    mean_squared_error: MeanSquaredError,
}


def get(identifier: Any) -> Loss | None:
    """The loss for a name, a function of this module, a class, an object, a description of one, or None.

    Args:
        identifier: for instance 'mse', mean_squared_error, MeanSquaredError or MeanSquaredError().

    Returns:
        A loss, or None for None.

    Raises:
        ValueError: if there is no such loss. Functions of your own cannot run in the C++ core.

    Example:
        >>> import pycnn as keras
        >>> keras.losses.get("mse")
        <MeanSquaredError name=mean_squared_error>
    """
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, str):
        cls = _NAMES.get(identifier.lower()) or _CLASSES.get(identifier)
    elif isinstance(identifier, type):
        cls = identifier if identifier in _CLASSES.values() else None
    else:
        cls = _FUNCTIONS.get(identifier) if callable(identifier) else None
    if cls is None and callable(identifier):
        raise ValueError(
            f"{identifier!r} cannot be a loss: the C++ core computes only its own, {', '.join(_NAMES)}"
        )
    if cls is None:
        raise unknown("loss", identifier, _NAMES)
    return cls()


def serialize(loss: Loss) -> dict[str, Any]:
    """A description of a loss as plain data."""
    return serialization.serialize(loss, "keras.losses")


def deserialize(config: Any) -> Loss:
    """The loss that `serialize` described."""
    return serialization.deserialize(config, _CLASSES, "loss")  # type: ignore[no-any-return]
