"""The losses as metrics: means of the functions of `keras.losses`."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.arrays import as_float32
from pycnn.losses import crossentropy, distributions, margins, regression
from pycnn.losses.operands import ops, pair, same_rank
from pycnn.metrics.mean import FormulaMetric, Mean


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between y_true and y_pred along an axis."""
    return ops.negative(regression.cosine_similarity(y_true, y_pred, axis))


class _OfLoss(FormulaMetric):
    _direction = "down"


class MeanSquaredError(_OfLoss):
    """The mean of (y_pred - y_true)^2. See `keras.losses.MeanSquaredError`; arguments as of `Mean`."""

    formula = staticmethod(regression.mean_squared_error)


class MeanAbsoluteError(_OfLoss):
    """The mean of |y_pred - y_true|. See `keras.losses.MeanAbsoluteError`; arguments as of `Mean`."""

    formula = staticmethod(regression.mean_absolute_error)


class MeanAbsolutePercentageError(_OfLoss):
    """See `keras.losses.MeanAbsolutePercentageError`; arguments as of `Mean`."""

    formula = staticmethod(regression.mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(_OfLoss):
    """See `keras.losses.MeanSquaredLogarithmicError`; arguments as of `Mean`."""

    formula = staticmethod(regression.mean_squared_logarithmic_error)


class LogCoshError(_OfLoss):
    """See `keras.losses.LogCosh`; arguments as of `Mean`."""

    formula = staticmethod(regression.log_cosh)

    def __init__(self, name: str = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class CosineSimilarity(FormulaMetric):
    """The cosine of the angle between y_true and y_pred.

    Args:
        name: of the metric.
        dtype: None or 'float32'.
        axis: along which they are vectors.

    Example:
        >>> import pycnn as keras
        >>> round(keras.metrics.CosineSimilarity()([[1, 0]], [[3, 4]]), 4)
        0.6
    """

    _direction = "up"

    formula = staticmethod(cosine_similarity)

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype, axis=axis)


class Hinge(_OfLoss):
    """See `keras.losses.Hinge`; arguments as of `Mean`."""

    formula = staticmethod(margins.hinge)


class SquaredHinge(_OfLoss):
    """See `keras.losses.SquaredHinge`; arguments as of `Mean`."""

    formula = staticmethod(margins.squared_hinge)


class CategoricalHinge(_OfLoss):
    """See `keras.losses.CategoricalHinge`; arguments as of `Mean`."""

    formula = staticmethod(margins.categorical_hinge)


class KLDivergence(_OfLoss):
    """See `keras.losses.KLDivergence`; arguments as of `Mean`."""

    formula = staticmethod(distributions.kl_divergence)


class Poisson(_OfLoss):
    """See `keras.losses.Poisson`; arguments as of `Mean`."""

    formula = staticmethod(distributions.poisson)


class BinaryCrossentropy(_OfLoss):
    """See `keras.losses.BinaryCrossentropy`, which explains the arguments."""

    formula = staticmethod(crossentropy.binary_crossentropy)
    arguments = ("from_logits", "label_smoothing")

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(_OfLoss):
    """See `keras.losses.CategoricalCrossentropy`, which explains the arguments."""

    formula = staticmethod(crossentropy.categorical_crossentropy)
    arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(_OfLoss):
    """See `keras.losses.SparseCategoricalCrossentropy`.

    As in Keras, labels that are ignored count as a loss of 0, but with weights not at all.
    """

    formula = staticmethod(crossentropy.sparse_categorical_crossentropy)
    arguments = ("from_logits", "ignore_class", "axis")

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)

    def _weights(self, sample_weight: Any, y_true: Any, values: Any) -> Any:
        ignored = self._fn_kwargs["ignore_class"]
        if sample_weight is None or ignored is None:
            return sample_weight
        counts, weight = same_rank(
            (y_true != ignored).reshape(values.shape), as_float32("sample_weight", sample_weight)
        )
        return weight * counts


class RootMeanSquaredError(Mean):
    """The root of the mean of (y_pred - y_true)^2.

    Args:
        name: of the metric.
        dtype: None or 'float32'.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.RootMeanSquaredError()([[0, 0]], [[3, 3]])
        3.0
    """

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Adds targets and predictions; arguments as of every metric."""
        y_true, y_pred = pair(as_float32("y_true", y_true), as_float32("y_pred", y_pred))
        super().update_state(np.square(y_pred - y_true), sample_weight)

    def result(self) -> Any:
        return float(np.sqrt(super().result()))
