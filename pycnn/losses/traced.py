"""The losses of samples as functions of `keras.ops`, for symbols and for what a GradientTape records."""

from __future__ import annotations

from typing import Any

from pycnn.core.arrays import as_labels, as_targets
from pycnn.core.recording import beside
from pycnn.core.tensor import Tensor


def traced_losses(kind: str, y_true: Any, y_pred: Any, from_logits: bool, smoothing: float) -> Any:
    """The loss of each sample.

    Args:
        kind: the core's name of the formula.
        y_true: class numbers for the sparse loss, else targets of y_pred's shape; a last axis of length one
            may be missing or too many.
        y_pred: a symbol or a Tensor.
        from_logits: whether predictions are logits.
        smoothing: of the targets.
    """
    from pycnn import ops

    if isinstance(y_pred, Tensor) and not isinstance(y_true, Tensor):
        shape = y_pred.shape[1:]
        if kind == "sparse_categorical_crossentropy":
            y_true = as_labels("y_true", y_true, shape, shape[-1])
        elif shape:
            y_true = as_targets("y_true", y_true, shape)
        y_true = beside(y_true, y_pred)
    if kind == "sparse_categorical_crossentropy":
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits)
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = ops.expand_dims(y_true, -1)
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    if smoothing:
        rest = 0.5 if kind == "binary_crossentropy" else 1.0 / y_pred.shape[-1]
        y_true = y_true * (1.0 - smoothing) + smoothing * rest
    if kind == "categorical_crossentropy":
        return ops.categorical_crossentropy(y_true, y_pred, from_logits)
    if kind == "binary_crossentropy":
        return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits), -1)
    return ops.mean(ops.square(ops.subtract(y_pred, y_true)), -1)
