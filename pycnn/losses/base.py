"""The base of the losses, and the function that computes those of the core."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pycnn import _core
from pycnn.core import serialization
from pycnn.core.arrays import as_float32, as_labels, as_targets
from pycnn.core.names import auto_name
from pycnn.core.operations.documentation import documented
from pycnn.core.recording import beside
from pycnn.core.results import Number, answering
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Tensor
from pycnn.losses.operands import as_operands, is_symbolic, same_rank
from pycnn.losses.reduction import checked_reduction, is_mean, reduced
from pycnn.losses.traced import traced_losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


class Loss:
    """Base of the losses: called with targets and predictions, gives the batch's mean loss.

    Losses of your own override `call`, which models trace: it computes with `keras.ops`.

    Args:
        name: None for the class's.
        reduction: 'sum_over_batch_size' or 'mean' (the mean of all losses), 'sum',
            'mean_with_sample_weight' (divided by the sum of the weights), or 'none' and None (an array of
            them), with which models cannot train.
        dtype: None or 'float32'.

    Example:
        >>> import pycnn as keras
        >>> class Distance(keras.losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return keras.ops.abs(y_true - y_pred)
        >>> float(Distance(reduction="sum")(keras.ops.ones(2), keras.ops.zeros(2)))
        2.0
    """

    formula: ClassVar[str | None] = None  # the core's name of it, where the core has it
    takes_labels: ClassVar[bool] = False  # whether targets are class numbers
    from_logits = False
    label_smoothing = 0.0

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.dtype = serialization.checked_dtype(dtype, type(self).__name__)
        self.name = name or auto_name(type(self).__name__)
        self.reduction = checked_reduction(reduction)

    @property
    def kind(self) -> str | None:
        """The core's name of the losses of samples; None where `call` is traced."""
        return None

    @property
    def is_mean_of_samples(self) -> bool:
        """Whether it is the mean of `call`, which the core takes, or else the whole of it is traced."""
        own_call = type(self).__call__ is not Loss.__call__
        return is_mean(self.reduction) and not (self.is_masked or self.is_of_batch or own_call)

    @property
    def is_of_batch(self) -> bool:
        """Whether `call` gives one number for all samples."""
        return False

    @property
    def is_masked(self) -> bool:
        """Whether `mask` says which losses count."""
        return type(self).mask is not Loss.mask

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sample: an array of y_pred's shape without its last axis."""
        raise NotImplementedError(f"{type(self).__name__} has no `call`")

    def mask(self, y_true: Any, values: Any) -> Any:
        """1 for each loss that counts and 0 for others; None where all do."""
        return None

    def check_targets(self, name: str, y: Any, output_shape: tuple[int, ...]) -> None:
        """Raises where a model's targets cannot be this loss's; asked only where `call` is traced."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss.

        Args:
            y_true: class numbers (n,) for a sparse loss, else targets of y_pred's shape.
            y_pred: predictions (n, ..., classes).
            sample_weight: factors of the samples' losses, (n,) or (n, 1), or None.

        Returns:
            A float32 number, or an array where `reduction` is None.

        Raises:
            ValueError: if shapes or labels do not fit.
        """
        if isinstance(y_pred, Tensor):
            sample_weight = beside(sample_weight, y_pred)
            y_true = beside(y_true, y_pred) if self.kind is None else y_true
        elif not is_symbolic(y_pred):
            y_pred = as_float32("y_pred", y_pred)
            y_true = np.asarray(y_true) if self.takes_labels else as_float32("y_true", y_true)
            if sample_weight is not None:
                sample_weight = as_float32("sample_weight", sample_weight)
        values = self.call(y_true, y_pred)
        if not is_symbolic(values):
            values = np.asarray(values, np.float32)
        result = reduced(values, sample_weight, self.mask(y_true, values), self.reduction)
        return result if is_symbolic(result) else answering(result) if result.ndim else Number(result)

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
        return self.function(*same_rank(*as_operands(y_true, y_pred)))


class FormulaLoss(Loss):
    """A loss that is a function of `keras.losses`: the one description of class, function, names and metric.

    Args:
        reduction: see `Loss`.
        name: None for the function's.
        dtype: None or 'float32'.
    """

    function: ClassVar[Callable[..., Any]]
    aliases: ClassVar[tuple[str, ...]] = ()  # further names
    arguments: ClassVar[tuple[str, ...]] = ()  # attributes that are the function's, and in the configuration
    hidden: ClassVar[tuple[str, ...]] = ()  # attributes that are the function's only, as in Keras

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name or type(self).function.__name__, reduction, dtype)

    @property
    def kind(self) -> str | None:
        return self.formula if type(self).call is FormulaLoss.call else None

    def call(self, y_true: Any, y_pred: Any) -> Any:
        given = {name: getattr(self, name) for name in (*self.arguments, *self.hidden)}
        return type(self).function(y_true, y_pred, **given)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {name: getattr(self, name) for name in self.arguments}


# Adds the arguments of a FormulaLoss without further ones to its docstring.
described = documented(
    """
Args:
    reduction: see `Loss`.
    name: of the loss.
    dtype: None or 'float32'.

Raises:
    ValueError: if an argument has a value that is not supported.
""",
    "Example:",
)


def smoothed(kind: str, targets: F32, smoothing: float) -> F32:
    """Targets with label smoothing."""
    if not smoothing:
        return targets
    rest = 0.5 if kind == "binary_crossentropy" else 1.0 / targets.shape[-1]
    return np.asarray(targets * (1.0 - smoothing) + smoothing * rest, np.float32)


def losses_of(
    kind: str, y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, smoothing: float = 0.0
) -> Any:
    """The loss of each sample, as the core computes it."""
    if isinstance(y_pred, (Tensor, KerasTensor)):
        return traced_losses(kind, y_true, y_pred, from_logits, smoothing)
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
