"""Other shapes for the same values: axes that move, come, go, are cut or joined; the batch stays first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axes_of, axis_of, beside, refuse_batch, samples_of, within_sample
from pycnn.core.operations.nodes import broadcasted, permuted, reshaped, strides_of, viewed

if TYPE_CHECKING:
    from pycnn.core.operations.base import Value

_STAYS = "the batch axis stays first"


def _sizes(name: str, what: str, shape: Any) -> tuple[Any, ...]:
    given = tuple(shape) if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
    return tuple(size if size is None else as_int(f"{name}: {what}", size, -1) for size in given)


def _array_reshape(x: Any, newshape: Any) -> Any:
    return np.reshape(x, [-1 if size is None else size for size in _sizes("reshape", "newshape", newshape)])


@operation(arrays=_array_reshape, dtype="same")
def reshape(x: Any, newshape: Any) -> Any:
    """The same values in another shape.

    Args:
        x: a symbol or an array of any shape.
        newshape: integers, one of which may be -1 for what is left. For a symbol with a batch axis -1 or None
            comes first; after None there may be a -1.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if the number of values differs, or a sample's values would go to another sample.

    Source: numpy.reshape.

    >>> from pycnn import ops
    >>> ops.reshape([[1, 2], [3, 4]], (4, 1)).tolist()
    [[1], [2], [3], [4]]
    """
    given = _sizes(x.name, "newshape", newshape)
    hint = f"expected -1 or None first, then sizes of {math.prod(x.sample)} values, the sample's"
    sample = samples_of(x, given, "newshape", hint)
    if sample.count(-1) + sample.count(None) == 1 and (not x.is_batched or given[0] is None):
        known = math.prod(size for size in sample if size not in (-1, None))
        if known and math.prod(x.sample) % known == 0:
            sample = tuple(math.prod(x.sample) // known if size in (-1, None) else size for size in sample)
    if -1 in sample or None in sample or math.prod(sample) != math.prod(x.sample):
        if x.is_batched:
            raise refuse_batch(x, f"newshape is {given}, {hint}")
        raise ValueError(f"{x.name}: cannot reshape {x.shape} to {given}")
    return reshaped(x, sample)


def ravel(x: Any) -> Any:
    """All values in one row.

    Args:
        x: an array of any shape, or a symbol without a batch axis.

    Returns:
        An array, or a symbol, of one axis.

    Raises:
        ValueError: if x has a batch axis: reshape(x, (-1, size)) keeps it.

    Source: numpy.ravel.

    >>> from pycnn import ops
    >>> ops.ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    return reshape(x, (-1,))


@operation(arrays=lambda x, axes: np.transpose(x, axes), dtype="same")
def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """Axes in another order.

    Args:
        x: a symbol or an array of any shape.
        axes: the old axis for each new one; None for the reverse order. A batch axis stays first.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if `axes` is no permutation, or moves the batch axis.

    Source: numpy.transpose.

    >>> from pycnn import ops
    >>> ops.transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    given = range(x.ndim - 1, -1, -1) if axes is None else axes
    order = [axis_of(x.name, axis, x.ndim) for axis in given]
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"{x.name}: axes are {tuple(given)}; expected each of the {x.ndim} axes once")
    if not x.is_batched:
        return permuted(x, order)
    if order[0] != 0:
        raise refuse_batch(x, f"axes are {tuple(given)}, {_STAYS}")
    return permuted(x, [axis - 1 for axis in order[1:]])


@operation(arrays=np.swapaxes, dtype="same")
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged.

    Args:
        x: a symbol or an array of any shape.
        axis1: one of them.
        axis2: the other one. Neither may be the batch axis.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if x has no such axis, or it is the batch axis.

    Source: numpy.swapaxes.

    >>> from pycnn import ops
    >>> ops.swapaxes([[1, 2], [3, 4]], 0, 1).tolist()
    [[1, 3], [2, 4]]
    """
    first, second = axis_of(x.name, axis1, x.ndim), axis_of(x.name, axis2, x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return transpose(x, order)


@operation(arrays=np.moveaxis, dtype="same")
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes at other places; the others keep their order.

    Args:
        x: a symbol or an array of any shape.
        source: an integer, or several.
        destination: where each of them goes. The batch axis stays first.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if x has no such axis, or the batch axis would move.

    Source: numpy.moveaxis.

    >>> from pycnn import ops
    >>> ops.moveaxis([[1, 2], [3, 4]], 0, -1).tolist()
    [[1, 3], [2, 4]]
    """
    places = [axis if isinstance(axis, (tuple, list)) else (axis,) for axis in (source, destination)]
    old, new = ([axis_of(x.name, axis, x.ndim) for axis in axes] for axes in places)
    if len(old) != len(new) or len(set(old)) < len(old) or len(set(new)) < len(new):
        raise ValueError(
            f"{x.name}: source is {source!r}, destination {destination!r}; expected as many axes"
        )
    order = [axis for axis in range(x.ndim) if axis not in old]
    for place, axis in sorted(zip(new, old, strict=True)):
        order.insert(place, axis)
    return transpose(x, order)


@operation(
    arrays=lambda x, axis: np.expand_dims(x, tuple(axis) if isinstance(axis, list) else axis), dtype="same"
)
def expand_dims(x: Any, axis: Any) -> Any:
    """New axes of size 1.

    Args:
        x: a symbol or an array of any shape.
        axis: where in the result, an integer or several. A batch axis stays first.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if there is no such place, or it is the one of the batch axis.

    Source: numpy.expand_dims.

    >>> from pycnn import ops
    >>> ops.expand_dims([1, 2], -1).tolist()
    [[1], [2]]
    """
    rank = x.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    shape = list(x.sample)
    for place in within_sample(x, axes_of(x.name, axis, rank), _STAYS):
        shape.insert(place, 1)
    return reshaped(x, shape)


def _array_squeeze(x: Any, axis: Any) -> Any:
    return np.squeeze(x, tuple(axis) if isinstance(axis, list) else axis)


@operation(arrays=_array_squeeze, dtype="same")
def squeeze(x: Any, axis: Any = None) -> Any:
    """The values without axes of size 1.

    Args:
        x: a symbol or an array of any shape.
        axis: an integer or several; None for all of size 1, but for a batch axis.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if such an axis has another size, or is the batch axis.

    Source: numpy.squeeze.

    >>> from pycnn import ops
    >>> ops.squeeze([[[1], [2]]]).tolist()
    [1, 2]
    """
    if axis is None:
        axes: tuple[int, ...] = tuple(a for a, size in enumerate(x.sample) if size == 1)
    else:
        axes = within_sample(x, axes_of(x.name, axis, x.ndim), "it cannot be squeezed")
        if any(x.sample[a] != 1 for a in axes):
            raise ValueError(f"{x.name}: cannot squeeze axis {axis} of shape {x.shape}; expected size 1")
    return reshaped(x, [size for a, size in enumerate(x.sample) if a not in axes])


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
def tile(x: Any, repeats: Any) -> Any:
    """The whole array so many times along each axis.

    Args:
        x: a symbol or an array.
        repeats: an integer for each axis, or for the last ones. It is 1 for the batch axis.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if the batch would be repeated, or an integer is below 1.

    Source: numpy.tile.

    >>> from pycnn import ops
    >>> ops.tile([[1, 2]], (2, 1)).tolist()
    [[1, 2], [1, 2]]
    """
    given = repeats if isinstance(repeats, (tuple, list)) else (repeats,)
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


def _tiled(x: Value, place: int, times: int) -> Value:
    shape, strides = list(x.sample), strides_of(x.sample)
    y = viewed(x, [*shape[:place], times, *shape[place:]], [*strides[:place], 0, *strides[place:]])
    shape[place] *= times
    return reshaped(y, shape)


@operation(arrays=np.broadcast_to, dtype="same")
def broadcast_to(x: Any, shape: Sequence[int | None]) -> Any:
    """The values repeated to a shape.

    Args:
        x: a symbol or an array.
        shape: what x broadcasts to; for a symbol with a batch axis -1 or None comes first.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if x does not broadcast to it.

    Source: numpy.broadcast_to.

    >>> from pycnn import ops
    >>> ops.broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    if x.is_batched and len(shape) != x.ndim:
        raise refuse_batch(x, f"shape is {tuple(shape)}; expected {x.ndim} axes, the first one None")
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
