"""Losses of distributions, and of regions of images."""

from __future__ import annotations

from typing import Any

from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_labels
from pycnn.losses.base import FormulaLoss, described
from pycnn.losses.operands import as_operands, ops, pair

_EPSILON = 1e-7


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `KLDivergence`."""
    y_true, y_pred = (ops.clip(x, _EPSILON, 1.0) for x in pair(y_true, y_pred))
    return ops.sum(ops.multiply(y_true, ops.log(ops.divide(y_true, y_pred))), -1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `Poisson`."""
    y_true, y_pred = pair(y_true, y_pred)
    log = ops.log(ops.add(y_pred, _EPSILON))
    return ops.mean(ops.subtract(y_pred, ops.multiply(y_true, log)), -1)


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """The loss; see `Dice`."""
    y_true, y_pred = pair(y_true, y_pred)
    both = ops.sum(ops.multiply(y_true, y_pred), axis)
    size = ops.add(ops.add(ops.sum(y_true, axis), ops.sum(y_pred, axis)), _EPSILON)
    return ops.subtract(1.0, ops.divide(ops.multiply(both, 2.0), size))


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    """The loss; see `Tversky`."""
    y_true, y_pred = pair(y_true, y_pred)
    both = ops.sum(ops.multiply(y_true, y_pred), axis)
    missed = ops.sum(ops.multiply(ops.subtract(1.0, y_pred), y_true), axis)
    wrong = ops.sum(ops.multiply(y_pred, ops.subtract(1.0, y_true)), axis)
    size = ops.add(ops.add(both, ops.multiply(missed, alpha)), ops.multiply(wrong, beta))
    return ops.subtract(1.0, ops.divide(both, ops.add(size, _EPSILON)))


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """The loss of each sample; see `CategoricalGeneralizedCrossEntropy`."""
    y_true, y_pred = as_operands(y_true, y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    p = ops.sum(ops.multiply(y_pred, ops.one_hot(y_true, y_pred.shape[-1])), -1)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


@described
class KLDivergence(FormulaLoss):
    """The sum of y_true log(y_true / y_pred) along the last axis, both cut to [1e-7, 1].

    Kullback & Leibler 1951.

    Example:
        >>> import pycnn as keras
        >>> round(float(keras.losses.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
        0.1438
    """

    function = staticmethod(kl_divergence)
    aliases = ("kld", "KLD")


@described
class Poisson(FormulaLoss):
    """The mean of y_pred - y_true log(y_pred + 1e-7) along the last axis.

    Example:
        >>> import pycnn as keras
        >>> round(float(keras.losses.Poisson()([[1, 0]], [[1, 1]])), 4)
        1.0
    """

    function = staticmethod(poisson)


class _OfRegions(FormulaLoss):
    """What the losses with sums along any axes share."""

    axis: Any

    @property
    def is_of_batch(self) -> bool:
        return self.axis is None


class Dice(_OfRegions):
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + 1e-7). Milletari et al. 2016.

    Args:
        reduction: see `Loss`.
        name: of the loss.
        axis: of the sums: one or several; None for all, so that a batch has one loss.
        dtype: None or 'float32'.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.Dice()([[1, 1]], [[1, 0]]))  # doctest: +ELLIPSIS
        0.3333...
    """

    function = staticmethod(dice)
    arguments = ("axis",)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = axis


class Tversky(_OfRegions):
    """1 - b / (b + alpha m + beta w + 1e-7). Salehi et al. 2017.

    b is the sum of y_true y_pred, m that of y_true (1 - y_pred), w that of (1 - y_true) y_pred.

    Args:
        alpha: of what is missed.
        beta: of what is wrong.
        reduction: see `Loss`.
        name: of the loss.
        axis: of the sums: one or several; None for all, so that a batch has one loss.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.Tversky()([[1, 1]], [[1, 0]]))  # doctest: +ELLIPSIS
        0.3333...
    """

    function = staticmethod(tversky)
    arguments = ("alpha", "beta", "axis")

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.alpha = as_number("Tversky: alpha", alpha)
        self.beta = as_number("Tversky: beta", beta)
        self.axis = axis


class CategoricalGeneralizedCrossEntropy(FormulaLoss):
    """(1 - p^q) / q, p being the prediction for the label: between cross-entropy and mean absolute error.

    Robust against wrong labels. Zhang & Sabuncu 2018.

    Args:
        q: in (0, 1).
        reduction: see `Loss`.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]))
        1.0
    """

    function = staticmethod(categorical_generalized_cross_entropy)
    arguments = ("q",)
    takes_labels = True

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.q = as_number("CategoricalGeneralizedCrossEntropy: q", q)
        if not 0 < self.q < 1:
            raise ValueError("q must be in the interval (0, 1)")

    def check_targets(self, name: str, y: Any, output_shape: tuple[int, ...]) -> None:
        as_labels(name, y, output_shape, output_shape[-1])


kld = kl_divergence
