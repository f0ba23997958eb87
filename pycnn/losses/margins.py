"""Losses of margins."""

from __future__ import annotations

from typing import Any

from pycnn.losses.base import FormulaLoss, described
from pycnn.losses.operands import ops, pair


def hinge(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `Hinge`."""
    return ops.mean(_missing_margin(y_true, y_pred), -1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `SquaredHinge`."""
    return ops.mean(ops.square(_missing_margin(y_true, y_pred)), -1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """The loss of each sample; see `CategoricalHinge`."""
    y_true, y_pred = pair(y_true, y_pred)
    right = ops.sum(ops.multiply(y_true, y_pred), -1)
    wrong = ops.max(ops.multiply(ops.subtract(1.0, y_true), y_pred), -1)
    return ops.maximum(ops.add(ops.subtract(wrong, right), 1.0), 0.0)


def _missing_margin(y_true: Any, y_pred: Any) -> Any:
    """max(1 - y_true y_pred, 0). Targets that are all 0 and 1 become -1 and 1."""
    y_true, y_pred = pair(y_true, y_pred)
    others = ops.logical_and(ops.not_equal(y_true, 0.0), ops.not_equal(y_true, 1.0))
    binary = ops.equal(ops.sum(ops.cast(others, "float32")), 0.0)
    signs = ops.where(binary, ops.subtract(ops.multiply(y_true, 2.0), 1.0), y_true)
    return ops.maximum(ops.subtract(1.0, ops.multiply(signs, y_pred)), 0.0)


@described
class Hinge(FormulaLoss):
    """The mean of max(1 - y_true y_pred, 0) along the last axis.

    Targets are -1 and 1; those of a batch that are all 0 or 1 count as such.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.Hinge()([[1, 0]], [[0.5, 0.5]]))
        1.0
    """

    function = staticmethod(hinge)


@described
class SquaredHinge(FormulaLoss):
    """The mean of max(1 - y_true y_pred, 0)^2 along the last axis.

    Targets are -1 and 1; those of a batch that are all 0 or 1 count as such.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.SquaredHinge()([[1, 0]], [[0.5, 0.5]]))
        1.25
    """

    function = staticmethod(squared_hinge)


@described
class CategoricalHinge(FormulaLoss):
    """max(wrong - right + 1, 0): right is the sum of y_true y_pred, wrong the maximum of (1 - y_true) y_pred.

    Example:
        >>> import pycnn as keras
        >>> float(keras.losses.CategoricalHinge()([[1, 0]], [[0.5, 0.25]]))
        0.75
    """

    function = staticmethod(categorical_hinge)
