"""Parts of arrays by slices and by numbers of places."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axis_of, refuse_batch, within_sample
from pycnn.core.operations.conversion import checked_dtype
from pycnn.core.operations.nodes import mapped, reshaped, strides_of, viewed
from pycnn.core.operations.shapes import expand_dims, moveaxis
from pycnn.core.operations.value import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray


@operation(arrays=lambda x, key: x[key], dtype="same")
def get_item(x: Any, key: Any) -> Any:
    """x[key]: integers, slices, `...`, None, and a list of places on one axis.

    Args:
        x: a symbol or an array.
        key: as in Python's brackets; for a symbol with a batch axis `:` first.

    Returns:
        A symbol for a symbol, else an array or a number.

    Raises:
        IndexError: if x has too few axes, or no such place.
        ValueError: if samples would be selected: x[0], x[1:]. Slice the arrays before they go into the model.

    Source: NumPy's indexing.

    >>> from pycnn import ops
    >>> ops.get_item([1, 2, 3], slice(1, None)).tolist()
    [2, 3]
    """
    keys = completed(x.name, key, x.shape)
    if x.is_batched:
        if not keys or not (
            isinstance(keys[0], slice) and keys[0] in (slice(None), slice(0, None), slice(0, None, 1))
        ):
            raise refuse_batch(x, f"[{_text(key)}] selects samples; expected x[:, ...]")
        keys = keys[1:]
    return _selected(x, keys)


def completed(name: str, key: Any, shape: Sequence[int | None]) -> list[Any]:
    """A key for each axis, in the place of `...` too, and the Nones for new axes."""
    keys = list(key) if isinstance(key, tuple) else [key]
    explicit = sum(k is not None and k is not Ellipsis for k in keys)
    if explicit > len(shape):
        raise IndexError(f"{name}: {explicit} indices for shape {tuple(shape)}")
    if Ellipsis not in [k for k in keys if not isinstance(k, (list, np.ndarray))]:
        keys.append(Ellipsis)
    at = next(i for i, k in enumerate(keys) if k is Ellipsis)
    keys[at : at + 1] = [slice(None)] * (len(shape) - explicit)
    return keys


def slice_of(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """A part of an array: where it begins along each axis, and its size.

    Args:
        inputs: a symbol, a weight, or an array.
        start_indices: an integer for each axis; 0 for a batch axis.
        shape: an integer for each axis, -1 for all from there on; None for a batch axis.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if samples would be selected, or the part is not inside.

    Source: keras.ops.slice.

    >>> from pycnn import ops
    >>> ops.slice([1, 2, 3, 4], (1,), (2,)).tolist()
    [2, 3]
    """
    sizes = inputs.shape if hasattr(inputs, "shape") else np.shape(inputs)
    if not len(start_indices) == len(shape) == len(sizes):
        raise ValueError(f"slice: {start_indices} and {shape} do not fit an array of {len(sizes)} axes")
    keys = []
    for start, count, size in zip(start_indices, shape, sizes, strict=True):
        first = operator.index(start)
        if size is None and first == 0 and count in (None, -1):
            keys.append(slice(None))
            continue
        if size is None or count is None:
            raise ValueError(f"slice: {start_indices} and {shape} select samples of a batch: {sizes}")
        last = size if count == -1 else first + operator.index(count)
        if not 0 <= first < last <= size:
            raise ValueError(f"slice: {start_indices} and {shape} reach beyond shape {tuple(sizes)}")
        keys.append(slice(first, last))
    return get_item(inputs, tuple(keys))


def _text(key: Any) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join(
        "..." if k is Ellipsis else _slice_text(k) if isinstance(k, slice) else str(k) for k in parts
    )


def _slice_text(key: slice) -> str:
    start, stop = ("" if end is None else str(end) for end in (key.start, key.stop))
    return f"{start}:{stop}" + ("" if key.step is None else f":{key.step}")


def _selected(x: Value, keys: list[Any]) -> Value:
    """The part of each sample, a key for each of its axes, with None for new ones."""
    _check_order(x.name, keys)
    own, strides = x.sample, strides_of(x.sample)
    view: list[int] = []
    steps: list[int] = []
    offset, axis = 0, 0
    final: list[int] = []
    places: tuple[int, Any] | None = None  # the axis of the view that a list of places selects from
    for key in keys:
        if key is None:
            final.append(1)
            continue
        size, stride = own[axis], strides[axis]
        axis += 1
        if isinstance(key, slice):
            start, stop, step = key.indices(size)
            count = len(range(start, stop, step))
            if count == 0:
                raise ValueError(f"{x.name}: [{_text(key)}] selects nothing of an axis of size {size}")
            offset += start * stride
            view.append(count)
            steps.append(step * stride)
            final.append(count)
        elif isinstance(key, (list, np.ndarray)) and np.ndim(key) > 0:
            if places is not None:
                raise ValueError(
                    f"{x.name}: lists of places on several axes are not available; use take_along_axis"
                )
            places = (len(view), _checked_places(x.name, np.asarray(key), size))
            view.append(size)
            steps.append(stride)
            final.extend(places[1].shape)
        else:
            offset += _place(x.name, key, size) * stride
    y = viewed(x, view, steps, offset)
    if places is not None:
        y = y.then(y.graph.take(y.node, y.constant(places[1]).node, axis=places[0], name=y.name))
    return reshaped(y, final)


def _check_order(name: str, keys: list[Any]) -> None:
    """NumPy moves the axis of a list of places to the front where a slice separates it from an integer."""
    chosen = [i for i, key in enumerate(keys) if key is not None and not isinstance(key, slice)]
    has_list = any(isinstance(keys[i], (list, np.ndarray)) and np.ndim(keys[i]) > 0 for i in chosen)
    if has_list and chosen[-1] - chosen[0] >= len(chosen):
        raise ValueError(f"{name}: a list of places and an integer apart from it; select one after the other")


def _place(name: str, key: Any, size: int) -> int:
    if isinstance(key, (Value, bool, np.bool_)):
        raise TypeError(
            f"{name}: indices are integers, slices, `...`, None or lists of integers; use take or where"
        )
    try:
        number = operator.index(key)
    except TypeError:
        raise TypeError(
            f"{name}: {key!r:.80} is no index; expected integers, slices, `...`, None or lists of integers; "
            f"with symbols use take or where"
        ) from None
    if not -size <= number < size:
        raise IndexError(f"{name}: there is no place {number} on an axis of size {size}")
    return number % size


def _checked_places(name: str, places: NDArray[Any], size: int) -> NDArray[Any]:
    if places.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: places have dtype {places.dtype}; expected integers (instead of a mask use where)"
        )
    if places.size == 0 or places.min() < -size or places.max() >= size:
        raise IndexError(f"{name}: places {places.tolist()} are not all on an axis of size {size}")
    return places % size


def _array_take(x: NDArray[Any], indices: NDArray[Any], axis: int | None) -> Any:
    size = x.size if axis is None else x.shape[axis_of("take", axis, x.ndim)]
    places = indices.astype(np.int64)
    return np.take(x, np.clip(np.where(places < 0, places + size, places), 0, max(size - 1, 0)), axis)


@operation(2, arrays=_array_take, dtype="same")
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Values at places along an axis.

    Args:
        x: a symbol or an array.
        indices: a symbol or an array of integers; negative ones count from the end, others are cut
            to the size.
        axis: of x; None for x as one row.

    Returns:
        x's shape with that of the indices in the place of the axis: a symbol where an operand is one.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if samples would be selected, or both have a batch axis: then use take_along_axis.

    Source: numpy.take.

    >>> from pycnn import ops
    >>> ops.take([[1, 2], [3, 4], [5, 6]], [2, 0], axis=0).tolist()
    [[5, 6], [1, 2]]
    """
    if axis is None:
        within_sample(x, range(x.ndim), "give an axis")
        return take(reshaped(x, (math.prod(x.sample),)), indices, 0)
    place = axis_of(x.name, axis, x.ndim)
    if x.is_batched and indices.is_batched:
        raise refuse_batch(indices, "x has a batch axis, too; use take_along_axis")
    if indices.is_batched and place > 0:
        raise refuse_batch(
            indices, f"in the result it would come after axes of x; expected axis 0, not {axis}"
        )
    (place,) = within_sample(x, (place,), "give another axis")
    return x.then(x.graph.take(x.node, indices.node, axis=place, name=x.name))


def _array_take_along(x: NDArray[Any], indices: NDArray[Any], axis: int | None) -> Any:
    places = indices.astype(np.int64)
    return np.take_along_axis(x, places.ravel() if axis is None else places, axis)


@operation(2, arrays=_array_take_along, dtype="same")
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Values at places of their own for every position of the other axes.

    Args:
        x: a symbol or an array.
        indices: a symbol or an array of integers, of x's shape but for the axis.
        axis: along which, not the batch axis; None for both as one row.

    Returns:
        An array, or a symbol, of the shape of the indices.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if the shapes differ on other axes, or the axis is the batch axis.

    Source: numpy.take_along_axis.

    >>> from pycnn import ops
    >>> ops.take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1).tolist()
    [[2], [3]]
    """
    if axis is None:
        within_sample(x, range(x.ndim), "give an axis")
        within_sample(indices, range(indices.ndim), "give an axis")
        return take(reshaped(x, (math.prod(x.sample),)), reshaped(indices, (math.prod(indices.sample),)), 0)
    place = axis_of(x.name, axis, x.ndim)
    fits = indices.ndim == x.ndim and all(a == place or x.shape[a] == indices.shape[a] for a in range(x.ndim))
    if not fits:
        raise ValueError(
            f"{x.name}: indices have shape {indices.shape}; expected {x.shape} but for axis {axis}"
        )
    (place,) = within_sample(x, (place,), "give another axis")
    size, step = x.sample[place], strides_of(x.sample)[place]
    starts = np.arange(math.prod(x.sample)).reshape(x.sample).take([0], place)
    if math.prod(x.sample) > 2**24:
        raise ValueError(
            f"{x.name}: {x.shape} has more than 2^24 values, whose places are not exact as floats"
        )
    index = mapped(
        "mod",
        mapped("where", mapped("less", indices, 0.0), mapped("add", indices, float(size)), indices),
        float(size),
    )
    flat = mapped("add", mapped("multiply", index, float(step)), x.constant(starts))
    row = reshaped(x, (math.prod(x.sample),))
    y = x.then(x.graph.take(row.node, reshaped(flat, (math.prod(indices.sample),)).node, axis=0, name=x.name))
    return reshaped(y, indices.sample)


def _array_one_hot(x: NDArray[Any], num_classes: int, axis: int, dtype: str) -> Any:
    hot = x[..., None] == np.arange(num_classes)
    return np.moveaxis(hot, -1, axis)


@operation(arrays=_array_one_hot, dtype=lambda num_classes, axis, dtype: dtype)
def _one_hot(x: Any, num_classes: int, axis: int, dtype: str) -> Any:
    hot = mapped("equal", expand_dims(x, -1), x.constant(np.arange(num_classes)))
    return hot if axis_of(x.name, axis, x.ndim + 1) == x.ndim else moveaxis(hot, -1, axis)


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """1 at the place that is the number of a class, else 0; all 0 for a number that is none.

    Args:
        x: a symbol or an array of class numbers.
        num_classes: how many classes there are.
        axis: where the new axis is in the result.
        dtype: of the result; None for 'float32'.
        sparse: only False.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.
        ValueError: if there is no such axis, or it is the one of the batch.

    Source: keras.ops.one_hot.

    >>> from pycnn import ops
    >>> ops.one_hot([2, 0], 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if sparse:
        raise ValueError("one_hot: sparse arrays are not available; expected sparse=False")
    if num_classes < 1:
        raise ValueError(f"one_hot: num_classes is {num_classes}; expected at least 1")
    return _one_hot(x, num_classes, axis, checked_dtype("one_hot", dtype))
