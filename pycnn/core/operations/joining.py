"""Arrays joined, cut, turned around and repeated; samples stay apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axes_of, axis_of, beside, refuse_batch, samples_of, within_sample
from pycnn.core.operations.nodes import broadcasted, for_samples, reshaped, strides_of, viewed
from pycnn.core.operations.shapes import expand_dims, reshape
from pycnn.core.operations.value import Value
from pycnn.core.rows import Rows, by_samples, plain_sizes
from pycnn.core.symbolic import KerasTensor, as_symbol
from pycnn.core.tensor import Tensor


@operation(arrays=np.concatenate, dtype="same", several=True)
def concatenate(xs: Any, axis: int = 0) -> Any:
    """Arrays joined along an axis.

    Args:
        xs: symbols or arrays, whose other axes have the same sizes.
        axis: which one. For symbols with a batch axis it is another one.

    Returns:
        A symbol where an operand is one, else an array.

    Raises:
        TypeError: if xs is no list.
        ValueError: if other sizes differ, or the axis is the batch axis.

    Source: numpy.concatenate.

    >>> from pycnn import ops
    >>> ops.concatenate([[[1], [2]], [[3], [4]]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    first = next((x for x in xs if x.is_batched), xs[0])
    rank = max(x.ndim for x in xs)
    (place,) = within_sample(first, (axis_of(first.name, axis, rank),), "samples are joined along other axes")
    found = _of_one_rank(xs, rank)
    ahead = {(*x.sample[:place], *x.sample[place + 1 :]) for x in found}
    if len(ahead) > 1:
        shapes = " and ".join(str(x.shape) for x in xs)
        raise ValueError(f"{first.name}: shapes {shapes} differ in more than axis {axis}")
    if len(found) == 1:
        return found[0]
    return first.then(first.graph.concat([x.node for x in found], axis=place, name=first.name))


def _of_one_rank(xs: Sequence[Value], rank: int) -> list[Value]:
    """The operands without an axis in the place of the batch axis."""
    if any(x.ndim != rank for x in xs):
        shapes = " and ".join(str(x.shape) for x in xs)
        raise ValueError(f"{xs[0].name}: shapes {shapes} differ in their number of axes")
    batched = next((x for x in xs if x.is_batched), None)
    return list(xs) if batched is None else [beside(x, batched) for x in xs]


def _array_stack(x: Any, axis: int) -> Any:
    return np.stack(x, axis)


@operation(arrays=_array_stack, dtype="same", several=True)
def stack(x: Any, axis: int = 0) -> Any:
    """Arrays joined along a new axis.

    Args:
        x: symbols or arrays of one shape.
        axis: where the new axis is in the result. A batch axis stays first.

    Returns:
        A symbol where an operand is one, else an array.

    Raises:
        TypeError: if x is no list.
        ValueError: if shapes differ, or the axis is the one of the batch.

    Source: numpy.stack.

    >>> from pycnn import ops
    >>> ops.stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    return concatenate([expand_dims(item, axis) for item in x], axis_of("stack", axis, x[0].ndim + 1))


def _array_split(x: Any, indices_or_sections: Any, axis: int) -> list[Any]:
    return [part.copy() for part in np.split(x, indices_or_sections, axis)]


@operation(arrays=_array_split, dtype="same")
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Parts along an axis.

    Args:
        x: a symbol or an array.
        indices_or_sections: how many parts of one size, or the places where they begin, but for the first.
        axis: which one. For symbols with a batch axis it is another one.

    Returns:
        A list of symbols for a symbol, else of arrays.

    Raises:
        ValueError: if the parts would have different sizes, or none; if the axis is the batch axis.

    Source: numpy.split.

    >>> from pycnn import ops
    >>> [part.tolist() for part in ops.split([[1, 2, 3]], [1], axis=1)]
    [[[1]], [[2, 3]]]
    """
    (place,) = within_sample(x, (axis_of(x.name, axis, x.ndim),), "samples are split along other axes")
    size = x.sample[place]
    if isinstance(indices_or_sections, (int, np.integer)):
        parts = int(indices_or_sections)
        if parts < 1 or size % parts:
            raise ValueError(
                f"{x.name}: cannot split {x.shape} into {parts} parts of one size along axis {axis}"
            )
        starts = [size // parts * part for part in range(parts)]
    else:
        starts = [0, *(slice(int(i), None).indices(size)[0] for i in indices_or_sections)]
    ends = [*starts[1:], size]
    strides = strides_of(x.sample)
    result = []
    for start, end in zip(starts, ends, strict=True):
        if end <= start:
            raise ValueError(f"{x.name}: part {start}:{end} of {x.shape} along axis {axis} is empty")
        shape = (*x.sample[:place], end - start, *x.sample[place + 1 :])
        result.append(viewed(x, shape, strides, start * strides[place]))
    return result


def _array_flip(x: Any, axis: Any) -> Any:
    return np.flip(x, tuple(axis) if isinstance(axis, list) else axis)


@operation(arrays=_array_flip, dtype="same")
def flip(x: Any, axis: Any = None) -> Any:
    """The values in reverse order along axes.

    Args:
        x: a symbol or an array.
        axis: an integer or several; None for all, which a symbol with a batch axis has no order for.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if x has no such axis, or it is the batch axis.

    Source: numpy.flip.

    >>> from pycnn import ops
    >>> ops.flip([[1, 2, 3]], axis=1).tolist()
    [[3, 2, 1]]
    """
    axes = within_sample(x, axes_of(x.name, axis, x.ndim), "give other axes")
    strides = strides_of(x.sample)
    offset = sum((x.sample[a] - 1) * strides[a] for a in axes)
    return viewed(x, x.sample, [-s if a in axes else s for a, s in enumerate(strides)], offset)


def _array_repeat(x: Any, repeats: Any, axis: int | None) -> Any:
    return np.repeat(x, repeats, axis)


@operation(arrays=_array_repeat, dtype="same")
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each value so many times in a row.

    Args:
        x: a symbol or an array.
        repeats: how often; an integer, or for arrays one for each place.
        axis: along which; None for all values in one row, for what has no batch axis.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if x has no such axis, or it is the batch axis.
        TypeError: if `repeats` is no integer, for a symbol.

    Source: numpy.repeat.

    >>> from pycnn import ops
    >>> ops.repeat([[1, 2]], 2, axis=1).tolist()
    [[1, 1, 2, 2]]
    """
    times = as_int(f"{x.name}: repeats", repeats, 1)
    if axis is None:
        within_sample(x, range(x.ndim), "give an axis")
        return repeat(reshape(x, (-1,)), times, 0)
    (place,) = within_sample(x, (axis_of(x.name, axis, x.ndim),), "give another axis")
    shape, strides = list(x.sample), strides_of(x.sample)
    y = viewed(
        x,
        [*shape[: place + 1], times, *shape[place + 1 :]],
        [*strides[: place + 1], 0, *strides[place + 1 :]],
    )
    shape[place] *= times
    return reshaped(y, shape)


@operation(arrays=lambda x, repeats: np.tile(x, repeats), dtype="same")
def _tile(x: Any, repeats: Any) -> Any:
    given = repeats if isinstance(repeats, (tuple, list)) else (repeats,)
    if tuple(given[:1]) == (None,):
        if x.is_batched or x.ndim > len(given) or (x.ndim == len(given) and x.shape[0] != 1):
            raise refuse_batch(x, f"repeats are {given}; None, the number of samples, goes with size 1")
        sample = x.sample[1:] if x.ndim == len(given) else x.sample
        return for_samples(_tile(reshaped(x, sample), tuple(given[1:]) or (1,)))
    times = [as_int(f"{x.name}: repeats", number, 1) for number in given]
    times = [1] * (x.ndim - len(times)) + times
    if x.is_batched:
        if len(times) > x.ndim or times[0] != 1:
            raise refuse_batch(x, f"repeats are {tuple(given)}, expected 1 for the batch axis")
        times = times[1:]
    shape = [1] * (len(times) - len(x.sample)) + list(x.sample)
    y = reshaped(x, shape)
    for place, number in enumerate(times):
        if number > 1:
            y = _tiled(y, place, number)
    return y


def tile(x: Any, repeats: Any) -> Any:
    """The whole array so many times along each axis.

    Args:
        x: a symbol or an array.
        repeats: an integer for each axis, or for the last ones. It is 1 for the batch axis. None comes first
            for the number of samples, for what has size 1 or nothing there.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if the batch would be repeated, or an integer is below 1.

    Source: numpy.tile.

    >>> from pycnn import ops
    >>> ops.tile([[1, 2]], (2, 1)).tolist()
    [[1, 2], [1, 2]]
    """
    repeats = plain_sizes(repeats)
    return _tile(_symbol_if(x, repeats), repeats)


def _tiled(x: Value, place: int, times: int) -> Value:
    shape, strides = list(x.sample), strides_of(x.sample)
    y = viewed(x, [*shape[:place], times, *shape[place:]], [*strides[:place], 0, *strides[place:]])
    shape[place] *= times
    return reshaped(y, shape)


@operation(arrays=np.broadcast_to, dtype="same")
def _broadcast_to(x: Any, shape: Sequence[int | None]) -> Any:
    if x.is_batched and len(shape) != x.ndim:
        raise refuse_batch(x, f"shape is {tuple(shape)}; expected {x.ndim} axes, the first one None")
    if not x.is_batched and len(shape) >= max(x.ndim, 1) and shape[0] is None:
        if x.ndim == len(shape) and x.shape[0] != 1:
            raise refuse_batch(x, f"shape is {tuple(shape)}; None, the number of samples, goes with size 1")
        sample = x.sample[1:] if x.ndim == len(shape) else x.sample
        return for_samples(_broadcast_to(reshaped(x, sample), shape[1:]))
    sample = samples_of(x, shape, "shape", "expected None for the batch axis, first")
    if any(not isinstance(size, (int, np.integer)) for size in sample):
        raise ValueError(f"{x.name}: shape is {tuple(shape)}; expected integers, and None for a batch axis")
    try:
        fits = np.broadcast_shapes(x.sample, sample) == tuple(sample)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{x.name}: {x.shape} does not broadcast to {tuple(shape)}")
    return broadcasted(x, sample)


def broadcast_to(x: Any, shape: Sequence[int | None]) -> Any:
    """The values repeated to a shape.

    Args:
        x: a symbol or an array.
        shape: what x broadcasts to; for a symbol with a batch axis -1 or None comes first. Where None comes
            first, the result has a batch axis.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if x does not broadcast to it.

    Source: numpy.broadcast_to.

    >>> from pycnn import ops
    >>> ops.broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    shape = plain_sizes(shape)
    whole = None if isinstance(x, Rows) else by_samples(shape)
    if whole is not None:
        return Rows(_broadcast_to(as_symbol(x), whole))
    return _broadcast_to(_symbol_if(x, shape), shape)


def _symbol_if(x: Any, shape: Any) -> Any:
    """An array as a symbol where a shape begins with None, the number of samples."""
    first = shape[0] if isinstance(shape, (tuple, list)) and len(shape) else 0
    return x if first is not None or isinstance(x, (KerasTensor, Value, Tensor)) else as_symbol(x)
