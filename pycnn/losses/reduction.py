"""From the losses of samples to one number."""

from __future__ import annotations

import math
from typing import Any

from pycnn.core.names import unknown
from pycnn.losses.operands import is_symbolic, ops, same_rank

_MEANS = ("sum_over_batch_size", "mean")
REDUCTIONS = (*_MEANS, "sum", "mean_with_sample_weight", "none")


def checked_reduction(reduction: Any) -> str | None:
    """A reduction, None for 'none'; ValueError for an unknown one."""
    if reduction not in (*REDUCTIONS, None):
        raise unknown("reduction", reduction, REDUCTIONS)
    return None if reduction == "none" else str(reduction) if reduction is not None else None


def is_mean(reduction: str | None) -> bool:
    """Whether it is the mean over all losses, each times its weight."""
    return reduction in _MEANS


def reduced(values: Any, sample_weight: Any, mask: Any, reduction: str | None) -> Any:
    """The losses of samples times their weights, reduced.

    Args:
        values: (n, ...), or one number.
        sample_weight: weights (n,), or of more axes of `values`; or None.
        mask: of values' shape, 0 where a loss does not count; or None.
        reduction: 'sum', 'sum_over_batch_size' and 'mean', which divide by the number of the values that
            count, 'mean_with_sample_weight', which divides by the sum of the weights, or None.

    Raises:
        ValueError: if the shapes do not fit.
    """
    if mask is not None:
        scale = _quotient(count(mask), ops.sum(mask)) if reduction in _MEANS else 1.0
        mask = ops.multiply(mask, scale)
        if sample_weight is None:
            sample_weight = mask
        else:
            mask, sample_weight = same_rank(mask, sample_weight)
            sample_weight = ops.multiply(_with_axes(sample_weight, mask), mask)
    if sample_weight is not None:
        values, sample_weight = same_rank(values, sample_weight)
        if values.ndim:
            sample_weight = _with_axes(sample_weight, values)
        values = ops.multiply(values, sample_weight)
    if reduction is None or values.ndim == 0:
        return values
    total = ops.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return _quotient(total, ops.sum(sample_weight))
    return _quotient(total, count(values))


def count(x: Any) -> Any:
    """The number of values, which for a symbol is known when samples are."""
    return ops.sum(ops.ones_like(x)) if is_symbolic(x) else float(math.prod(x.shape))


def _with_axes(weight: Any, values: Any) -> Any:
    """Weights with axes of length one, as many as the values have."""
    if weight.ndim > values.ndim:
        raise ValueError(f"sample_weight has shape {weight.shape}; expected one that fits {values.shape}")
    for _ in range(weight.ndim, values.ndim):
        weight = ops.expand_dims(weight, -1)
    if any(a not in (b, 1, None) for a, b in zip(weight.shape, values.shape, strict=True) if b is not None):
        raise ValueError(f"sample_weight has shape {weight.shape}; expected one that fits {values.shape}")
    return weight


def _quotient(x: Any, y: Any) -> Any:
    """x / y, and 0 where y is 0."""
    if not is_symbolic(x) and not is_symbolic(y):
        return ops.divide(x, y) if y else ops.multiply(x, 0.0)
    zero = ops.equal(y, 0.0)
    return ops.where(zero, 0.0, ops.divide(x, ops.where(zero, 1.0, y)))
