"""The base of the losses, and the function that computes them all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pycnn import _core
from pycnn.core import serialization
from pycnn.core.arrays import as_float32, as_labels, as_targets, weights_for
from pycnn.core.names import snake_case, unknown
from pycnn.core.recording import beside
from pycnn.core.results import Number, answering
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Tensor
from pycnn.losses.traced import traced_losses

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


class Loss:
    """Base of the losses: called with targets and predictions, gives the batch's mean loss.

    Args:
        name: None for the class's.
        reduction: 'sum_over_batch_size' (the mean of all losses), 'sum' or None (an array of them). Models
            need the first.
        dtype: None or 'float32'.
    """

    kind: ClassVar[str | None] = None  # the core's name of the formula; None for a `call` that is traced
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

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sample: an array of y_pred's shape without its last axis.

        Losses of your own override it, with `keras.ops`.
        """
        if self.kind is None:
            raise NotImplementedError(f"{type(self).__name__} has no `call`")
        return losses_of(self.kind, y_true, y_pred, self.from_logits, self.label_smoothing)

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """The reduced loss.

        Args:
            y_true: class numbers (n,) for the sparse loss, else targets of y_pred's shape.
            y_pred: predictions (n, ..., classes).
            sample_weight: factors of the samples' losses, (n,) or (n, 1), or None.

        Returns:
            A float32 number, or an array where `reduction` is None.

        Raises:
            ValueError: if shapes or labels do not fit.
        """
        if isinstance(y_pred, Tensor):
            return self._recorded(y_true, y_pred, beside(sample_weight, y_pred))
        values = self.call(y_true, y_pred)
        if sample_weight is not None:
            weight = as_float32("sample_weight", sample_weight)
            values = values * weights_for(weight, values.shape)
        if self.reduction is None:
            return answering(values)
        total = values.sum(dtype=np.float64)
        return Number(total if self.reduction == "sum" else total / max(values.size, 1))

    def _recorded(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        """The reduced loss of what a tape records."""
        from pycnn import ops

        values = self.call(beside(y_true, y_pred) if self.kind is None else y_true, y_pred)
        if sample_weight is not None:
            if sample_weight.ndim == values.ndim + 1 and sample_weight.shape[-1] == 1:
                sample_weight = ops.squeeze(sample_weight, -1)
            for _ in range(sample_weight.ndim, values.ndim):
                sample_weight = ops.expand_dims(sample_weight, -1)
            values = ops.multiply(values, sample_weight)
        if self.reduction is None:
            return values
        return ops.sum(values) if self.reduction == "sum" else ops.mean(values)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new loss from the dict that `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class FunctionLoss(Loss):
    """A loss that is a function f(y_true, y_pred) of one's own, written with `keras.ops`.

    Args:
        function: gives the losses of samples, (n, ...), or one number.
    """

    def __init__(self, function: Any, name: str | None = None) -> None:
        super().__init__(name or getattr(function, "__name__", "function"))
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.function(y_true, y_pred)


def smoothed(kind: str, targets: F32, smoothing: float) -> F32:
    """Targets with label smoothing."""
    if not smoothing:
        return targets
    rest = 0.5 if kind == "binary_crossentropy" else 1.0 / targets.shape[-1]
    return np.asarray(targets * (1.0 - smoothing) + smoothing * rest, np.float32)


def losses_of(kind: str, y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool, smoothing: float) -> F32:
    """The loss of each sample, as the core computes it."""
    if isinstance(y_pred, (Tensor, KerasTensor)):
        return traced_losses(kind, y_true, y_pred, from_logits, smoothing)  # type: ignore[no-any-return]
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
