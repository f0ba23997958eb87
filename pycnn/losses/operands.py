"""Targets and predictions as formulas take them: symbols, what a GradientTape records, or float32 arrays."""

from __future__ import annotations

from typing import Any

from pycnn.core.arrays import as_float32
from pycnn.core.recording import beside
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Tensor


class _Operations:
    """`keras.ops`, imported with the first formula that is computed: `import pycnn` does without."""

    def __getattr__(self, name: str) -> Any:
        from pycnn import ops

        return getattr(ops, name)


ops: Any = _Operations()


def is_symbolic(x: Any) -> bool:
    """Whether x is no array, but what a network computes."""
    return isinstance(x, (Tensor, KerasTensor))


def as_operands(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Both in one form, as they are.

    Raises:
        TypeError: if one is no array of real numbers.
    """
    if isinstance(y_pred, Tensor):
        return beside(y_true, y_pred), y_pred
    if is_symbolic(y_pred) or is_symbolic(y_true):
        return y_true, y_pred
    return as_float32("y_true", y_true), as_float32("y_pred", y_pred)


def same_rank(x: Any, y: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Both with as many axes: a last axis of length one that only one of them has is added or taken away."""
    if x.ndim == y.ndim + 1 and x.shape[-1] == 1:
        if y.ndim == 1 and expand_rank_1:
            return x, ops.expand_dims(y, -1)
        return ops.squeeze(x, -1), y
    if y.ndim == x.ndim + 1 and y.shape[-1] == 1:
        if x.ndim == 1 and expand_rank_1:
            return ops.expand_dims(x, -1), y
        return x, ops.squeeze(y, -1)
    return x, y


def pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Both in one form and of one shape.

    Raises:
        TypeError: if one is no array of real numbers.
        ValueError: if the shapes differ by more than a last axis of length one.
    """
    y_true, y_pred = same_rank(*as_operands(y_true, y_pred))
    if y_true.ndim != y_pred.ndim or not all(
        a == b or None in (a, b) for a, b in zip(y_true.shape, y_pred.shape, strict=True)
    ):
        raise ValueError(f"y_true has shape {y_true.shape}; expected {y_pred.shape}, the shape of y_pred")
    return y_true, y_pred
