"""Datasets: sequences of elements that can be gone through again and again."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, count, islice
from typing import Any

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_int
from pycnn.core.refusal import Refused, advice_for
from pycnn.core.seeds import checked_seed, next_seed
from pycnn.data import sizes
from pycnn.data.combining import Combining
from pycnn.data.elements import (
    NumpyIterator,
    TensorSpec,
    as_element,
    as_plain,
    called,
    check_callable,
    item_of,
    leaves,
    length_of,
    spec_of,
    transformed,
)
from pycnn.data.steps import cached, in_batches, in_random_order, mapped, prefetched


class Dataset(Combining):
    """Elements, such as (image, label), made when they are asked for: TensorFlow's `tf.data.Dataset`.

    `fit`, `evaluate` and `predict` take one whose elements are batches. An element is an array, or a tuple or
    dict of such; lists are arrays. Arrays are NumPy's, and also answer `numpy()`. Python's floats become
    float32, its integers int32, and strings answer `numpy()` with their bytes. Functions run in Python
    threads: those of NumPy, Pillow and pycnn run side by side.

    Args:
        make: gives an iterator over the elements, each time anew.
        size: number of elements, INFINITE_CARDINALITY or UNKNOWN_CARDINALITY.
        spec: gives the element's TensorSpecs; None to look at the first element.

    Raises:
        TypeError, ValueError: of all methods, if an argument is wrong; what a function raises comes out of
            the iteration.

    Example:
        >>> import numpy as np
        >>> from pycnn.data import Dataset
        >>> x, y = np.arange(5.0).reshape(5, 1), np.arange(5)
        >>> data = Dataset.from_tensor_slices((x, y)).map(lambda x, y: (x * 10, y)).batch(2)
        >>> len(data)
        3
        >>> for images, labels in data.take(1):
        ...     print(images.numpy().tolist(), labels.numpy().tolist())
        [[0.0], [10.0]] [0, 1]
    """

    def __init__(
        self, make: Callable[[], Iterator[Any]], size: int, spec: Callable[[], Any] | None = None
    ) -> None:
        self.class_names: list[str] | None
        self.file_paths: list[str]
        self.skipped: list[tuple[str, str]]
        self._make = make
        self._size = size
        self._spec = spec

    # --- sources --------------------------------------------------------------------------------------------
    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """The elements along the first axis of arrays.

        Args:
            tensors: an array, or a tuple or dict of arrays of one length.
            name: has no effect, here and elsewhere.
        """
        whole = as_element(tensors)
        size = length_of(whole, "Dataset.from_tensor_slices")

        def spec() -> Any:
            return transformed(lambda leaf: TensorSpec(leaf.shape[1:], spec_of(leaf).dtype), whole)

        return Dataset(lambda: (item_of(whole, i) for i in range(size)), size, spec)

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """One element."""
        whole = as_element(tensors)
        return Dataset(lambda: iter((whole,)), 1)

    @staticmethod
    def from_generator(
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: tuple[Any, ...] | None = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """What an iterable yields.

        Args:
            generator: called at the beginning of each pass; returns an iterable.
            output_types: dtypes, as the older way of `output_signature`.
            output_shapes: shapes, the same.
            args: arguments of `generator`.
            output_signature: TensorSpecs in the structure of an element. None, beyond TensorFlow: any.
            name: has no effect.
        """
        if not callable(generator):
            raise TypeError(f"Dataset.from_generator: generator is {generator!r:.100}; expected a function")
        if output_signature is None and output_types is not None and output_shapes is not None:
            output_signature = _signature(output_types, output_shapes)
        given = tuple(args or ())

        def make() -> Iterator[Any]:
            for value in generator(*given):
                yield _as_signed(output_signature, output_types, value)

        spec = None if output_signature is None else lambda: output_signature
        return Dataset(make, sizes.UNKNOWN_CARDINALITY, spec)

    @staticmethod
    def range(*args: int, output_type: Any = "int64", name: str | None = None) -> Dataset:
        """The integers of Python's `range`, of int64."""
        numbers = range(*(as_int("args", arg, -(2**62)) for arg in args))
        dtype = np.dtype(str(output_type) if isinstance(output_type, str) else output_type)
        return Dataset(
            lambda: (as_element(np.array(i, dtype)) for i in numbers),
            len(numbers),
            lambda: TensorSpec((), dtype),
        )

    @staticmethod
    def counter(start: int = 0, step: int = 1, dtype: Any = "int64", name: str | None = None) -> Dataset:
        """The integers from `start` on, `step` by `step`, without an end."""
        kind = np.dtype(str(dtype) if isinstance(dtype, str) else dtype)
        first, distance = as_int("start", start, -(2**62)), as_int("step", step, -(2**62))
        return Dataset(
            lambda: (as_element(np.array(i, kind)) for i in count(first, distance)),
            sizes.INFINITE_CARDINALITY,
            lambda: TensorSpec((), kind),
        )

    @staticmethod
    def list_files(
        file_pattern: Any, shuffle: bool | None = None, seed: int | None = None, name: str | None = None
    ) -> Dataset:
        """The paths of the files that patterns with * and ? match, shuffled unless `shuffle` is False."""
        patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern)
        paths = sorted({path for pattern in patterns for path in glob.glob(str(pattern))})
        if not paths:
            raise ValueError(f"Dataset.list_files: no file matches {patterns}")
        files = Dataset.from_tensor_slices(paths)
        return files.shuffle(len(paths), seed) if shuffle is None or shuffle else files

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Tuples (or dicts) of the elements of several datasets, as many as the shortest has."""
        structure = datasets if datasets is not None else args[0] if len(args) == 1 else tuple(args)
        if isinstance(structure, list):
            structure = tuple(structure)
        parts = list(leaves(structure))
        if not parts or not all(isinstance(part, Dataset) for part in parts):
            raise TypeError(f"Dataset.zip: {structure!r:.100}; expected a tuple or dict of datasets")

        def make() -> Iterator[Any]:
            for items in zip(*parts, strict=False):
                found = iter(items)
                yield transformed(lambda _, found=found: next(found), structure)

        return Dataset(
            make,
            sizes.shortest([part._size for part in parts]),
            lambda: transformed(lambda part: part.element_spec, structure),
        )

    # --- functions ------------------------------------------------------------------------------------------
    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        use_unbounded_threadpool: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """What a function makes of each element, in their order.

        Args:
            map_func: is called with an element; a tuple's items are arguments of their own.
            num_parallel_calls: threads that call it; None for none, AUTOTUNE for pycnn's number of threads.
            deterministic: has no effect: the order is kept in any case, as are those below.
            synchronous: has no effect.
            use_unbounded_threadpool: has no effect.
            name: has no effect.
        """
        check_callable("map", "map_func", map_func)
        threads = _threads(num_parallel_calls)

        def call(element: Any) -> Any:
            return as_element(called(map_func, element))

        return Dataset(lambda: mapped(call, iter(self), threads), self._size, lambda: self._mapped_spec(call))

    def _mapped_spec(self, call: Callable[[Any], Any]) -> Any:
        """The specs of what a function returns; an axis of batches of unknown size stays one."""
        first = self._first()
        before, found = self.element_spec, call(first)
        unknown = {
            len(array)
            for array, spec in zip(leaves(first), leaves(before), strict=True)
            if spec.shape and spec.shape[0] is None
        }

        def spec(leaf: Any) -> Any:
            known = spec_of(leaf)
            if known.shape and known.shape[0] in unknown:
                return TensorSpec((None, *known.shape[1:]), known.dtype)
            return known

        return transformed(spec, found)

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements of which a function is true."""
        check_callable("filter", "predicate", predicate)

        def make() -> Iterator[Any]:
            return (element for element in self if bool(as_plain(called(predicate, element))))

        return Dataset(make, sizes.UNKNOWN_CARDINALITY, lambda: self.element_spec)

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements of the datasets that a function returns, one dataset after the other."""
        check_callable("flat_map", "map_func", map_func)

        def make() -> Iterator[Any]:
            for element in self:
                found = called(map_func, element)
                if not isinstance(found, Dataset):
                    raise TypeError(f"Dataset.flat_map: map_func returned {found!r:.100}; expected a Dataset")
                yield from found

        return Dataset(make, sizes.UNKNOWN_CARDINALITY)

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """The state after reduce_func(state, element) of all elements."""
        state = as_element(initial_state)
        for element in self:
            state = as_element(reduce_func(state, element))
        return state

    def apply(self, transformation_func: Callable[[Dataset], Any]) -> Any:
        """transformation_func(dataset)."""
        return transformation_func(self)

    # --- order and number -----------------------------------------------------------------------------------
    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Consecutive elements along a new first axis.

        Args:
            batch_size: of all batches but the last.
            drop_remainder: whether a smaller last batch is left out.
            num_parallel_calls: has no effect, as those below.
            deterministic: has no effect.
            name: has no effect.
        """
        size, drop = as_int("batch_size", batch_size, 1), bool(drop_remainder)

        def spec() -> Any:
            return transformed(
                lambda one: TensorSpec((size if drop else None, *one.shape), one.dtype), self.element_spec
            )

        return Dataset(
            lambda: in_batches(iter(self), size, drop), sizes.of_batches(self._size, size, drop), spec
        )

    def unbatch(self, name: str | None = None) -> Dataset:
        """The elements along the first axis of each element."""

        def make() -> Iterator[Any]:
            for element in self:
                for i in range(length_of(element, "Dataset.unbatch")):
                    yield item_of(element, i)

        return Dataset(
            make,
            sizes.UNKNOWN_CARDINALITY,
            lambda: transformed(lambda one: TensorSpec(one.shape[1:], one.dtype), self.element_spec),
        )

    def rebatch(self, batch_size: int, drop_remainder: bool = False, name: str | None = None) -> Dataset:
        """`unbatch` and `batch`."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Elements in a random order: each is drawn from a buffer, in which the next one takes its place.

        Args:
            buffer_size: elements among which is drawn; the dataset's number of elements for any order.
            seed: None for one that follows from `keras.utils.set_random_seed`.
            reshuffle_each_iteration: whether each pass has an order of its own; None for True.
            name: has no effect.
        """
        size = as_int("buffer_size", buffer_size, 1)
        key = next_seed() if seed is None else checked_seed(seed)
        again = reshuffle_each_iteration is None or bool(reshuffle_each_iteration)
        passes = [0]

        def make() -> Iterator[Any]:
            number, passes[0] = passes[0], passes[0] + again
            return in_random_order(iter(self), size, np.random.default_rng([key, number]))

        return self._same(make, self._size)

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Keeps the elements of the first full pass in memory.

        Raises:
            NotImplementedError: if there is a file name.
        """
        if filename:
            raise NotImplementedError(
                f"pycnn's Dataset.cache keeps elements in memory, and not in {filename!r}; call `cache()`, "
                f"or write arrays by np.save and read them by np.load(..., mmap_mode='r')"
            )
        kept: list[Any] = []
        return self._same(lambda: cached(self, kept), self._size)

    def prefetch(self, buffer_size: int = -1, name: str | None = None) -> Dataset:
        """Lets a thread make so many elements before they are needed; AUTOTUNE for two."""
        count = as_int("buffer_size", buffer_size, -1)
        return self._same(lambda: prefetched(iter(self), 2 if count == -1 else count), self._size)

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """So many passes, one after the other; None or -1 for no end."""
        times = -1 if count is None else as_int("count", count, -1)

        def make() -> Iterator[Any]:
            done = 0
            while done != times:
                empty = True
                for element in self:
                    empty = False
                    yield element
                if empty:
                    return
                done += 1

        return self._same(make, sizes.repeated(self._size, times))

    def take(self, count: int, name: str | None = None) -> Dataset:
        """The first elements; -1 for all."""
        number = as_int("count", count, -1)
        return self._same(
            lambda: iter(self) if number < 0 else islice(iter(self), number), sizes.first(self._size, number)
        )

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """All but the first elements; -1 for none."""
        number = as_int("count", count, -1)
        return self._same(
            lambda: iter(()) if number < 0 else islice(iter(self), number, None),
            sizes.without_first(self._size, number),
        )

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Dataset:
        """Every `num_shards`-th element from number `index` on."""
        number = as_int("num_shards", num_shards, 1)
        first = as_int("index", index, 0)
        if first >= number:
            raise ValueError(f"Dataset.shard: index is {first}; expected less than num_shards, {number}")
        return self._same(
            lambda: islice(iter(self), first, None, number),
            sizes.of_batches(sizes.without_first(self._size, first), number, False),
        )

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """The elements of this dataset, then those of another one."""
        if not isinstance(dataset, Dataset):
            raise TypeError(f"Dataset.concatenate: dataset is {dataset!r:.100}; expected a Dataset")
        size = sizes.one_after_the_other([self._size, dataset._size])
        return Dataset(lambda: chain(iter(self), iter(dataset)), size)

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Tuples (number, element), with numbers of int64."""
        begin = as_int("start", start, -(2**62))
        numbers = Dataset(
            lambda: (as_element(np.array(i, np.int64)) for i in _count(begin)),
            sizes.INFINITE_CARDINALITY,
            lambda: TensorSpec((), "int64"),
        )
        return Dataset.zip(numbers, self)

    def _same(self, make: Callable[[], Iterator[Any]], size: int) -> Dataset:
        """Some of the same elements."""
        return Dataset(make, size, lambda: self.element_spec)

    # --- what it is -----------------------------------------------------------------------------------------
    def __iter__(self) -> Iterator[Any]:
        return self._make()

    def as_numpy_iterator(self) -> NumpyIterator:
        """The elements with arrays of NumPy's own class, and bytes for strings."""
        return NumpyIterator(self)

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element; ValueError where there is another number of them."""
        found = list(islice(iter(self), 2))
        if len(found) != 1:
            raise ValueError(
                f"Dataset.get_single_element: there is {'no' if not found else 'more than one'} element"
            )
        return found[0]

    def cardinality(self, name: str | None = None) -> Any:
        """The number of elements as an int64, INFINITE_CARDINALITY (-1) or UNKNOWN_CARDINALITY (-2)."""
        return as_element(np.array(self._size, np.int64))

    def __len__(self) -> int:
        if self._size < 0:
            kind = "infinite" if self._size == sizes.INFINITE_CARDINALITY else "unknown"
            raise TypeError(f"The dataset's length is {kind}; `cardinality()` says so too")
        return self._size

    def __bool__(self) -> bool:
        return True

    @property
    def element_spec(self) -> Any:
        """TensorSpecs in the structure of an element; functions run once, on the first one, to find them."""
        if self._spec is None:
            return transformed(spec_of, self._first())
        return self._spec()

    def _first(self) -> Any:
        for element in self:
            return element
        raise ValueError("The dataset has no elements, so that nothing is known about them")

    def __getattr__(self, name: str) -> Any:
        advice = advice_for("tf.data.Dataset", name)
        if advice is not None:
            return Refused(f"tf.data.Dataset.{name}", advice)
        raise AttributeError(f"'Dataset' object has no attribute {name!r}")

    def __repr__(self) -> str:
        size = {sizes.INFINITE_CARDINALITY: "infinite", sizes.UNKNOWN_CARDINALITY: "unknown"}
        return f"<Dataset of {size.get(self._size, self._size)} elements>"


# --- arguments ----------------------------------------------------------------------------------------------
def _threads(num_parallel_calls: int | None) -> int:
    """0 for none; -1 is AUTOTUNE."""
    if num_parallel_calls is None:
        return 0
    threads = as_int("num_parallel_calls", num_parallel_calls, -1)
    return _core.get_num_threads() if threads == -1 else threads


def _count(start: int) -> Iterator[int]:
    while True:
        yield start
        start += 1


def _signature(types: Any, shapes: Any) -> Any:
    """TensorSpecs of dtypes and shapes, which are tuples themselves."""
    if isinstance(types, Mapping):
        return {key: _signature(types[key], shapes[key]) for key in types}
    if isinstance(types, (tuple, list)):
        return tuple(_signature(dtype, shape) for dtype, shape in zip(types, shapes, strict=True))
    return TensorSpec(shapes, types)


def _as_signed(signature: Any, types: Any, value: Any) -> Any:
    """A generator's value as its signature says, or its types alone."""
    if signature is None and types is None:
        return as_element(value)
    if isinstance(value, list) and isinstance(signature if signature is not None else types, tuple):
        value = tuple(value)
    if signature is not None:
        return transformed(lambda spec, one: spec.checked(one), signature, value)
    return transformed(lambda dtype, one: as_element(_typed(dtype, one)), types, value)


def _typed(dtype: Any, value: Any) -> Any:
    if str(dtype) == "string":
        return value
    return np.asarray(as_plain(value), str(dtype) if isinstance(dtype, str) else dtype)
