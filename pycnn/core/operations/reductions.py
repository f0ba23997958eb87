"""Reductions over axes: sums, means, extrema and where they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.operations.arithmetic import maximum, minimum
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axes_of, axis_of, refuse_batch, within_sample
from pycnn.core.operations.conversion import cast
from pycnn.core.operations.documentation import EXTREMUM, PLACE, REDUCTION, REDUCTION_TRUTH, documented
from pycnn.core.operations.nodes import reduced, reshaped

if TYPE_CHECKING:
    from pycnn.core.arrays import F32
    from pycnn.core.operations.value import Value


def _with_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    def on_arrays(x: F32, axis: Any, keepdims: bool) -> Any:
        return function(x, axis=axes_of(function.__name__, axis, x.ndim), keepdims=keepdims)

    return on_arrays


def _reduced(x: Value, kind: str, axis: Any, keepdims: bool) -> Value:
    axes = axes_of(x.name, axis, x.ndim)
    over_batch = x.is_batched and 0 in axes
    if over_batch and kind not in ("sum", "mean"):
        raise refuse_batch(
            x, f"reduce the axes of a sample, from 1 to {x.ndim - 1}; sum and mean may go over the batch, too"
        )
    inner = [axis - 1 for axis in axes if axis > 0] if x.is_batched else list(axes)
    if kind == "mean" and x.is_batched and len(x.sample) == 3 and inner == [0, 1]:
        y = _mean_of_maps(x, keepdims)
    else:
        y = reduced(x, kind, inner, keepdims)
    if not over_batch:
        return y
    y = y.then(y.graph.batch_reduce(y.node, mean=kind == "mean", name=y.name))
    return reshaped(y, (1, *y.sample)) if keepdims else y


def _mean_of_maps(x: Value, keepdims: bool) -> Value:
    """The mean over all pixels, which is a pooling."""
    h, w, c = x.sample
    y = x.then(x.graph.average_pool2d(x.node, pool_size=(h, w), strides=(h, w), name=x.name))
    return y if keepdims else reshaped(y, (c,))


@documented(REDUCTION)
@operation(arrays=_with_axes(np.sum))
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over axes.

    >>> from pycnn import ops
    >>> ops.sum([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [3.0, 7.0]
    """
    return _reduced(x, "sum", axis, keepdims)


@documented(REDUCTION)
@operation(arrays=_with_axes(np.mean))
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over axes.

    >>> from pycnn import ops
    >>> ops.mean([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [1.5, 3.5]
    """
    return _reduced(x, "mean", axis, keepdims)


@operation(arrays=_with_axes(np.max))
def _max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _reduced(x, "max", axis, keepdims)


@documented(EXTREMUM)
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The largest value over axes; NaN where there is one. Equal ones share the gradient.

    >>> from pycnn import ops
    >>> ops.max([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [2.0, 4.0]
    """
    y = _max(x, axis, keepdims)
    return y if initial is None else maximum(y, initial)


@operation(arrays=_with_axes(np.min))
def _min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _reduced(x, "min", axis, keepdims)


@documented(EXTREMUM)
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The smallest value over axes; NaN where there is one. Equal ones share the gradient.

    >>> from pycnn import ops
    >>> ops.min([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [1.0, 3.0]
    """
    y = _min(x, axis, keepdims)
    return y if initial is None else minimum(y, initial)


@operation(arrays=_with_axes(np.prod))
def _prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _reduced(x, "prod", axis, keepdims)


@documented(
    REDUCTION.replace(
        "stay, with size 1.", "stay, with size 1.\n    dtype: as in `cast`; None for 'float32'."
    )
)
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over axes.

    >>> from pycnn import ops
    >>> ops.prod([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [2.0, 12.0]
    """
    y = _prod(x, axis, keepdims)
    return y if dtype is None else cast(y, dtype)


@documented(REDUCTION_TRUTH)
@operation(arrays=_with_axes(np.any), dtype="bool")
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether a value over axes is not zero.

    >>> from pycnn import ops
    >>> ops.any([[0.0, 2.0], [0.0, 0.0]], axis=1).tolist()
    [True, False]
    """
    return _reduced(x, "any", axis, keepdims)


@documented(REDUCTION_TRUTH)
@operation(arrays=_with_axes(np.all), dtype="bool")
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether no value over axes is zero.

    >>> from pycnn import ops
    >>> ops.all([[0.0, 2.0], [1.0, 2.0]], axis=1).tolist()
    [False, True]
    """
    return _reduced(x, "all", axis, keepdims)


amax = max
amin = min


def _with_axis(function: Callable[..., Any]) -> Callable[..., Any]:
    def on_arrays(x: F32, axis: int | None, keepdims: bool) -> Any:
        number = None if axis is None else axis_of(function.__name__, axis, x.ndim)
        return function(x, axis=number, keepdims=keepdims)

    return on_arrays


def _place(x: Value, kind: str, axis: int | None, keepdims: bool) -> Value:
    numbers = range(x.ndim) if axis is None else (axis_of(x.name, axis, x.ndim),)
    axes = within_sample(x, numbers, f"give an axis of a sample, from 1 to {x.ndim - 1}")
    if axis is not None:
        return reduced(x, kind, axes, keepdims)
    y = reduced(reshaped(x, (math.prod(x.sample),)), kind, (0,), False)
    return reshaped(y, (1,) * len(axes)) if keepdims else y


@documented(PLACE)
@operation(arrays=_with_axis(np.argmax), dtype="int32")
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where along an axis the largest value is: the first of equal ones, or of NaN.

    >>> from pycnn import ops
    >>> ops.argmax([[1.0, 2.0], [4.0, 3.0]], axis=1).tolist()
    [1, 0]
    """
    return _place(x, "argmax", axis, keepdims)


@documented(PLACE)
@operation(arrays=_with_axis(np.argmin), dtype="int32")
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where along an axis the smallest value is: the first of equal ones, or of NaN.

    >>> from pycnn import ops
    >>> ops.argmin([[1.0, 2.0], [4.0, 3.0]], axis=1).tolist()
    [0, 1]
    """
    return _place(x, "argmin", axis, keepdims)
