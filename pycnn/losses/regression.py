"""Losses of numbers."""

from __future__ import annotations

import math
from typing import Any

from pycnn.core.arguments import as_number
from pycnn.losses.base import FormulaLoss, described, losses_of
from pycnn.losses.operands import ops, pair

_EPSILON = 1e-7  # Keras' least number to divide by


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `MeanSquaredError`."""
    return losses_of("mean_squared_error", y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `MeanAbsoluteError`."""
    y_true, y_pred = pair(y_true, y_pred)
    return ops.mean(ops.abs(ops.subtract(y_true, y_pred)), -1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `MeanAbsolutePercentageError`."""
    y_true, y_pred = pair(y_true, y_pred)
    size = ops.maximum(ops.abs(y_true), _EPSILON)
    return ops.multiply(ops.mean(ops.abs(ops.divide(ops.subtract(y_true, y_pred), size)), -1), 100.0)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `MeanSquaredLogarithmicError`."""
    y_true, y_pred = pair(y_true, y_pred)
    first, second = (ops.log(ops.add(ops.maximum(x, _EPSILON), 1.0)) for x in (y_pred, y_true))
    return ops.mean(ops.square(ops.subtract(first, second)), -1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """The loss of each sample; see `Huber`."""
    y_true, y_pred = pair(y_true, y_pred)
    error = ops.subtract(y_pred, y_true)
    size = ops.abs(error)
    line = ops.subtract(ops.multiply(size, delta), 0.5 * delta**2)
    return ops.mean(ops.where(ops.less_equal(size, delta), ops.multiply(ops.square(error), 0.5), line), -1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `LogCosh`."""
    y_true, y_pred = pair(y_true, y_pred)
    error = ops.subtract(y_pred, y_true)
    values = ops.add(error, ops.softplus(ops.multiply(error, -2.0)))
    return ops.mean(ops.subtract(values, math.log(2.0)), -1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The loss of each sample; see `CosineSimilarity`."""
    y_true, y_pred = pair(y_true, y_pred)
    product = ops.multiply(ops.normalize(y_true, axis), ops.normalize(y_pred, axis))
    return ops.negative(ops.sum(product, axis))


@described
class MeanSquaredError(FormulaLoss):
    """The mean of (y_pred - y_true)^2 along the last axis.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.MeanSquaredError()([[1, 2]], [[2, 4]]))
        2.5
    """

    formula = "mean_squared_error"
    function = staticmethod(mean_squared_error)
    aliases = ("mse", "MSE")


@described
class MeanAbsoluteError(FormulaLoss):
    """The mean of |y_pred - y_true| along the last axis.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.MeanAbsoluteError()([[1, 2]], [[2, 4]]))
        1.5
    """

    function = staticmethod(mean_absolute_error)
    aliases = ("mae", "MAE")


@described
class MeanAbsolutePercentageError(FormulaLoss):
    """100 times the mean of |y_pred - y_true| / max(|y_true|, 1e-7) along the last axis.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.MeanAbsolutePercentageError()([[1, 2]], [[2, 4]]))
        100.0
    """

    function = staticmethod(mean_absolute_percentage_error)
    aliases = ("mape", "MAPE")


@described
class MeanSquaredLogarithmicError(FormulaLoss):
    """The mean of (log(y_pred + 1) - log(y_true + 1))^2 along the last axis.

    Numbers below 1e-7 count as 1e-7.

    Example:
        >>> import pycnn as keras
        >>> round(float(keras.losses.MeanSquaredLogarithmicError()([[0, 2]], [[0, 4]])), 4)
        0.1305
    """

    function = staticmethod(mean_squared_logarithmic_error)
    aliases = ("msle", "MSLE")


@described
class LogCosh(FormulaLoss):
    """The mean of log(cosh(y_pred - y_true)) along the last axis.

    Example:
        >>> import pycnn as keras
        >>> round(float(keras.losses.LogCosh()([[0, 0]], [[1, 0]])), 4)
        0.2169
    """

    function = staticmethod(log_cosh)


class Huber(FormulaLoss):
    """The mean along the last axis of e^2 / 2 where |e| <= delta, else of delta |e| - delta^2 / 2.

    e is y_pred - y_true. Huber 1964.

    Args:
        delta: where the square becomes a straight line.
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.Huber()([[0, 0]], [[1, 3]]))
        1.5
    """

    function = staticmethod(huber)
    hidden = ("delta",)

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.delta = as_number("Huber: delta", delta)


class CosineSimilarity(FormulaLoss):
    """The negative cosine of the angle between y_true and y_pred: -1 where they point into one direction.

    Args:
        axis: along which they are vectors.
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> round(float(keras.losses.CosineSimilarity()([[1, 0]], [[3, 4]])), 4)
        -0.6
    """

    function = staticmethod(cosine_similarity)
    hidden = ("axis",)

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = axis


mse = mean_squared_error


mae = mean_absolute_error


mape = mean_absolute_percentage_error


msle = mean_squared_logarithmic_error
