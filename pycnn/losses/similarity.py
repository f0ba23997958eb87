"""Losses of embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.arguments import as_number
from pycnn.losses.base import FormulaLoss
from pycnn.losses.operands import as_operands, is_symbolic, ops


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """The loss of each sample; see `Circle`.

    Args:
        y_true: class numbers (n,).
        y_pred: vectors of length 1 (n, d).
        ref_labels: class numbers of what they are compared with; None for y_true.
        ref_embeddings: vectors that they are compared with; None for y_pred.
        remove_diagonal: whether samples are not compared with themselves.
        gamma: see `Circle`.
        margin: see `Circle`.
    """
    if is_symbolic(y_pred):
        raise ValueError(
            "circle: it compares each sample of a batch with all others, which pycnn's networks do not "
            "compute; it takes arrays only"
        )
    y_true, y_pred = as_operands(y_true, y_pred)
    others, labels = as_operands(
        y_pred if ref_embeddings is None else ref_embeddings, y_true if ref_labels is None else ref_labels
    )
    distance = np.maximum(1.0 - y_pred @ others.T, 0.0)
    same = y_true.reshape(-1, 1) == labels.reshape(1, -1)
    apart = np.logical_not(same)
    if remove_diagonal:
        same = same & (np.eye(*same.shape) == 0)
    pull = gamma * (margin + distance) * (distance - margin)
    push = gamma * np.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance)
    return ops.softplus(_log_sum(pull, same) + _log_sum(push, apart))


def _log_sum(values: Any, chosen: Any) -> Any:
    """log(sum(exp)) of the chosen values in each row; -infinity where there are none."""
    values = np.where(chosen, values, -np.inf)
    largest = values.max(1)
    safe = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return (safe + np.log(np.exp(values - safe[:, None]).sum(1))).astype(np.float32)


class Circle(FormulaLoss):
    """Samples of one class pulled together and those of others pushed apart, by how far they are off.

    softplus(log sum exp(gamma (d + margin) (d - margin)) over samples of the same class
    + log sum exp(gamma (1 + margin - d) (1 - margin - d)) over all others), where d = 1 - cosine. Sun et al.
    2020. For arrays; a model cannot be trained with it.

    Args:
        gamma: scale.
        margin: in [0, 1].
        remove_diagonal: whether samples are not compared with themselves.
        reduction: see `Loss`; samples without loss do not count.
        name: of the loss.
        dtype: None or 'float32'.

    Raises:
        TypeError, ValueError: if an argument has a value that is not supported, or for symbols.

    Example:
        >>> import pycnn as keras
        >>> loss = keras.losses.Circle()([0, 0, 1], [[1, 0], [0.6, 0.8], [0, 1]])
        >>> print(f"{loss:.2f}")
        19.20
    """

    function = staticmethod(circle)
    arguments = ("gamma", "margin", "remove_diagonal")

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.gamma = as_number("Circle: gamma", gamma)
        self.margin = as_number("Circle: margin", margin)
        self.remove_diagonal = bool(remove_diagonal)

    def mask(self, y_true: Any, values: Any) -> Any:
        return np.asarray(values > 0, np.float32)
