"""Other shapes for the same values: axes that move, come and go; the batch axis stays first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axes_of, axis_of, refuse_batch, samples_of, within_sample
from pycnn.core.operations.nodes import permuted, reshaped
from pycnn.core.operations.rows import with_count

_STAYS = "the batch axis stays first"


def _sizes(name: str, what: str, shape: Any) -> tuple[Any, ...]:
    given = tuple(shape) if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
    return tuple(size if size is None else as_int(f"{name}: {what}", size, -1) for size in given)


def _array_reshape(x: Any, newshape: Any) -> Any:
    return np.reshape(x, [-1 if size is None else size for size in _sizes("reshape", "newshape", newshape)])


@operation(arrays=_array_reshape, dtype="same")
def _reshape(x: Any, newshape: Any) -> Any:
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


def reshape(x: Any, newshape: Any) -> Any:
    """The same values in another shape.

    Args:
        x: a symbol or an array of any shape.
        newshape: integers, one of which may be -1 for what is left. For a symbol with a batch axis -1 or None
            comes first; after None there may be a -1. Where the sizes of a part of a sample follow, the
            result has rows of all samples, as many of each.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if the number of values differs, or a row would have values of several samples.

    Rows of all samples, such as the pixels in `reshape(x, (-1, channels))`, go into functions of each row by
    itself, which layers are too; sums and means over axis 0 go over the rows of all samples. Operands have as
    many rows. `reshape(rows, shape(x))` gives the samples back.

    Source: numpy.reshape.

    >>> from pycnn import ops
    >>> ops.reshape([[1, 2], [3, 4]], (4, 1)).tolist()
    [[1], [2], [3], [4]]
    """
    return _reshape(x, with_count(x, newshape))


def ravel(x: Any) -> Any:
    """All values in one row.

    Args:
        x: a symbol or an array of any shape.

    Returns:
        An array, or a symbol, of one axis; of a symbol with a batch axis see `reshape`.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.

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
        axes: the old axis for each new one; None for the reverse order. Models and layers take the result
            where the batch axis is the first one again.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if `axes` is no permutation.

    Source: numpy.transpose.

    >>> from pycnn import ops
    >>> ops.transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    if axes is not None and not isinstance(axes, (tuple, list, range)):
        raise TypeError(f"{x.name}: axes are {axes!r}; expected a tuple of integers")
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
        axis2: the other one.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if x has no such axis.

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
        destination: where each of them goes.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if x has no such axis.

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
