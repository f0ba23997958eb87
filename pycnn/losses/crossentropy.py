"""Cross-entropies, of class numbers, one-hot labels and yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_number
from pycnn.losses.base import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


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


def sparse_categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, ignore_class: None = None, axis: int = -1
) -> F32:
    """The loss of each sample; see `SparseCategoricalCrossentropy`."""
    losses: F32 = SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis).call(y_true, y_pred)
    return losses


def categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> F32:
    """The loss of each sample; see `CategoricalCrossentropy`."""
    losses: F32 = CategoricalCrossentropy(from_logits, label_smoothing, axis).call(y_true, y_pred)
    return losses


def binary_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> F32:
    """The loss of each sample; see `BinaryCrossentropy`."""
    losses: F32 = BinaryCrossentropy(from_logits, label_smoothing, axis).call(y_true, y_pred)
    return losses
