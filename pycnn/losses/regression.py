"""Losses of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.losses.base import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


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


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> F32:
    """The loss of each sample; see `MeanSquaredError`."""
    losses: F32 = MeanSquaredError().call(y_true, y_pred)
    return losses


mse = mean_squared_error
