"""Elements of datasets: tuples and dicts of arrays that answer `numpy()`, and what they look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycnn.core.results import Array
from pycnn.core.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Nested:
    """Base of `Dataset`: a dataset may be part of an element of another one."""


class Text(str):
    """A string that answers `numpy()` with its bytes, as TensorFlow's do."""

    __slots__ = ()
    shape = ()
    dtype = "string"

    def numpy(self) -> bytes:
        """The string's bytes in UTF-8."""
        return self.encode()


class TensorSpec:
    """The shape and type of an array of an element.

    Args:
        shape: sizes of the axes, None where they differ.
        dtype: of the values.
        name: has no effect.

    Example:
        >>> from pycnn.data import TensorSpec
        >>> TensorSpec((None, 3), "float32")
        TensorSpec(shape=(None, 3), dtype=float32, name=None)
    """

    def __init__(self, shape: Sequence[int | None], dtype: Any = "float32", name: str | None = None) -> None:
        self.shape = tuple(shape)
        self.dtype = _type_name(dtype)
        self.name = name

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype}, name={self.name})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorSpec):
            return NotImplemented
        return (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def checked(self, value: Any) -> Any:
        """A value as an array of this type; ValueError where the shape is another one."""
        if self.dtype == "string":
            return as_leaf(value)
        array = np.asarray(value.value if isinstance(value, Tensor) else value, self.dtype)
        fits = len(array.shape) == len(self.shape) and all(
            want in (None, size) for want, size in zip(self.shape, array.shape, strict=True)
        )
        if not fits:
            raise ValueError(f"A generator yielded an array of shape {array.shape}; expected {self}")
        return array.view(Array)


class DatasetSpec(NamedTuple):
    """What the elements of a dataset look like that is an element itself."""

    element_spec: Any


def _type_name(dtype: Any) -> str:
    return str(dtype) if isinstance(dtype, str) else np.dtype(dtype).name


def as_leaf(value: Any) -> Any:
    """An array that answers `numpy()`; Python's numbers are int32 and float32, as in TensorFlow.

    Raises:
        TypeError: if the value is no numbers and no strings.
    """
    if isinstance(value, (Array, Text, Nested)):
        return value
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, bytes):
        return value
    array = np.asarray(value.value if isinstance(value, Tensor) else value)
    if array.dtype.kind in "SU" and array.ndim == 0:
        return Text(array.item().decode() if array.dtype.kind == "S" else array.item())
    if array.dtype.kind not in "biufSU":
        raise TypeError(f"A dataset's element has {value!r:.100}; expected numbers or strings")
    if not hasattr(value, "dtype"):
        narrow = {"f": np.float32, "i": np.int32}.get(array.dtype.kind)
        if narrow is not None and (narrow is np.float32 or _fits_int32(array)):
            array = array.astype(narrow)
    return array.view(Array)


def _fits_int32(array: NDArray[Any]) -> bool:
    return array.size == 0 or bool(array.min() >= -(2**31) and array.max() < 2**31)


def transformed(function: Callable[..., Any], *structures: Any) -> Any:
    """The same tuples and dicts of what the function makes of their arrays; lists are arrays.

    Raises:
        ValueError: if the structures differ.
    """
    first = structures[0]
    if isinstance(first, Mapping):
        if any(not isinstance(x, Mapping) or x.keys() != first.keys() for x in structures):
            raise ValueError("Elements of a dataset have different structures: dicts with other keys")
        return {key: transformed(function, *(x[key] for x in structures)) for key in first}
    if isinstance(first, tuple):
        if any(not isinstance(x, tuple) or len(x) != len(first) for x in structures):
            raise ValueError("Elements of a dataset have different structures: tuples of other lengths")
        items = [transformed(function, *parts) for parts in zip(*structures, strict=True)]
        return type(first)(*items) if hasattr(first, "_fields") else tuple(items)
    return function(*structures)


def as_element(value: Any) -> Any:
    """Tuples and dicts of arrays that answer `numpy()`."""
    return transformed(as_leaf, value)


def leaves(structure: Any) -> Iterator[Any]:
    """The arrays of an element."""
    if isinstance(structure, Mapping):
        for item in structure.values():
            yield from leaves(item)
    elif isinstance(structure, tuple):
        for item in structure:
            yield from leaves(item)
    else:
        yield structure


def length_of(element: Any, what: str) -> int:
    """The size of the first axis, which all arrays of an element must have alike."""
    sizes = set()
    for leaf in leaves(element):
        if isinstance(leaf, (Text, bytes)) or leaf.ndim == 0:
            raise ValueError(f"{what}: there is a scalar, which has no first axis to be cut along")
        sizes.add(len(leaf))
    if len(sizes) != 1:
        raise ValueError(f"{what}: arrays have different lengths {sorted(sizes)}; expected one and the same")
    return sizes.pop()


def item_of(element: Any, index: int) -> Any:
    """Element `index` along the first axis."""
    return transformed(lambda leaf: as_leaf(np.asarray(leaf)[index]), element)


def stacked(elements: Sequence[Any]) -> Any:
    """A batch of elements.

    Raises:
        ValueError: if their shapes or structures differ.
    """

    def stack(*items: Any) -> Any:
        if any(isinstance(item, Nested) for item in items):
            raise TypeError("Dataset.batch: an element is a dataset; flat_map(lambda w: w.batch(n)) joins it")
        arrays = [np.asarray(item) for item in items]
        shapes = {array.shape for array in arrays}
        if len(shapes) > 1:
            raise ValueError(
                f"Dataset.batch: elements have shapes {sorted(shapes)}; expected one and the same: resize "
                f"the images by `map` before"
            )
        return np.stack(arrays).view(Array)

    return transformed(stack, *elements)


def spec_of(leaf: Any) -> Any:
    """What an array or a dataset looks like."""
    if isinstance(leaf, Nested):
        return DatasetSpec(leaf.element_spec)  # type: ignore[attr-defined]
    if isinstance(leaf, (str, bytes)):
        return TensorSpec((), "string")
    return TensorSpec(leaf.shape, "string" if leaf.dtype.kind in "SU" else leaf.dtype)


class NumpyIterator:
    """The elements of a dataset as plain arrays and bytes.

    Args:
        elements: that answer `numpy()`.
    """

    def __init__(self, elements: Iterable[Any]) -> None:
        self._elements = iter(elements)

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        return transformed(as_plain, next(self._elements))

    next = __next__


def as_plain(leaf: Any) -> Any:
    """A NumPy array or number, or bytes."""
    return leaf.numpy() if hasattr(leaf, "numpy") else leaf


# --- functions of elements ----------------------------------------------------------------------------------
def check_callable(method: str, argument: str, function: Any) -> None:
    """TypeError where an argument of a dataset's method is no function."""
    if not callable(function):
        raise TypeError(f"Dataset.{method}: {argument} is {function!r:.100}; expected a function")


def called(function: Callable[..., Any], element: Any) -> Any:
    """A function of an element: a tuple's items are arguments of their own."""
    return function(*element) if isinstance(element, tuple) else function(element)
