"""Datasets of datasets: windows of elements, and elements taken from several datasets in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.core.seeds import checked_seed, next_seed
from pycnn.data import sizes
from pycnn.data.elements import DatasetSpec, Nested, as_element, as_plain, called, check_callable, transformed
from pycnn.data.steps import in_turns, in_windows

if TYPE_CHECKING:
    from pycnn.data.dataset import Dataset


class Combining(Nested):
    """Methods of `Dataset` that have to do with further datasets, or with what came before."""

    _size: int
    element_spec: Any

    def __init__(
        self, make: Callable[[], Iterator[Any]], size: int, spec: Callable[[], Any] | None = None
    ) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Datasets of `size` elements each: `flat_map(lambda w: w.batch(size))` makes arrays of them.

        An element that is a tuple or dict gives one of datasets.

        Args:
            size: elements in a window.
            shift: from the beginning of a window to that of the next one; None for `size`.
            stride: from an element to the next one in a window.
            drop_remainder: whether smaller windows at the end are left out.
            name: has no effect.

        Example:
            >>> from pycnn.data import Dataset
            >>> data = Dataset.range(5).window(3, shift=1, drop_remainder=True)
            >>> [x.tolist() for x in data.flat_map(lambda window: window.batch(3))]
            [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
        """
        length, step = as_int("size", size, 1), as_int("stride", stride, 1)
        distance = length if shift is None else as_int("shift", shift, 1)
        drop = bool(drop_remainder)

        def make() -> Iterator[Any]:
            for window in in_windows(iter(self), length, distance, step, drop):
                columns = transformed(lambda *leaves: list(leaves), *window)
                yield transformed(lambda items: type(self)(lambda: iter(items), len(items)), columns)

        return type(self)(  # type: ignore[return-value]
            make,
            sizes.of_windows(self._size, length, distance, step, drop),
            lambda: transformed(DatasetSpec, self.element_spec),
        )

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Elements of the datasets that a function returns, some from each of several in turn.

        Args:
            map_func: gives a dataset for an element.
            cycle_length: datasets that are open at a time; None or AUTOTUNE for pycnn's number of threads.
            block_length: elements from each in a row; None for 1.
            num_parallel_calls: has no effect, as those below: the order is kept.
            deterministic: has no effect.
            name: has no effect.

        Example:
            >>> from pycnn.data import Dataset
            >>> data = Dataset.range(1, 4).interleave(lambda x: Dataset.from_tensors(x).repeat(3), 2, 2)
            >>> [int(x) for x in data]
            [1, 1, 2, 2, 1, 2, 3, 3, 3]
        """
        from pycnn._core import get_num_threads

        check_callable("interleave", "map_func", map_func)
        several = -1 if cycle_length is None else as_int("cycle_length", cycle_length, -1)
        several = get_num_threads() if several == -1 else max(several, 1)
        block = 1 if block_length is None else as_int("block_length", block_length, 1)

        def opened(element: Any) -> Iterator[Any]:
            found = called(map_func, element)
            if not isinstance(found, Combining):
                raise TypeError(f"Dataset.interleave: map_func returned {found!r:.100}; expected a Dataset")
            return iter(found)

        return type(self)(  # type: ignore[return-value]
            lambda: in_turns(map(opened, iter(self)), several, block), sizes.UNKNOWN_CARDINALITY
        )

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """What a function gives for each element: scan_func(state, element) returns (state, output)."""
        check_callable("scan", "scan_func", scan_func)

        def make() -> Iterator[Any]:
            state = as_element(initial_state)
            for element in self:
                state, output = map(as_element, scan_func(state, element))
                yield output

        return type(self)(make, self._size)  # type: ignore[return-value]

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements before the first one of which a function is false."""
        check_callable("take_while", "predicate", predicate)

        def make() -> Iterator[Any]:
            for element in self:
                if not bool(as_plain(called(predicate, element))):
                    return
                yield element

        return type(self)(make, sizes.UNKNOWN_CARDINALITY, lambda: self.element_spec)  # type: ignore[return-value]

    def unique(self, name: str | None = None) -> Dataset:
        """Elements that are numbers or strings, each the first time that it comes."""

        def make() -> Iterator[Any]:
            seen = set()
            for element in self:
                if isinstance(element, (tuple, dict)) or getattr(element, "shape", ()) != ():
                    raise TypeError(f"Dataset.unique: {element!r:.100} is no single number or string")
                value = as_plain(element)
                if value not in seen:
                    seen.add(value)
                    yield element

        return type(self)(make, sizes.UNKNOWN_CARDINALITY, lambda: self.element_spec)  # type: ignore[return-value]

    @classmethod
    def sample_from_datasets(
        cls,
        datasets: Sequence[Any],
        weights: Sequence[float] | None = None,
        seed: int | None = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Dataset:
        """Elements of several datasets, from which one is drawn each time.

        Args:
            datasets: whose elements have one structure.
            weights: how often each is drawn, in proportion; None for all alike.
            seed: None for one that follows from `keras.utils.set_random_seed`.
            stop_on_empty_dataset: whether all ends with the first that ends; False for the last one.
            rerandomize_each_iteration: whether each pass has an order of its own; None for no.
        """
        parts = _checked("sample_from_datasets", datasets)
        chances = np.ones(len(parts)) if weights is None else np.asarray(weights, float)
        if chances.shape != (len(parts),) or (chances < 0).any() or not chances.sum() > 0:
            raise ValueError(
                f"Dataset.sample_from_datasets: weights are {weights!r}; expected {len(parts)} of at least 0"
            )
        key = next_seed() if seed is None else checked_seed(seed)
        passes = [0]

        def make() -> Iterator[Any]:
            number, passes[0] = passes[0], passes[0] + bool(rerandomize_each_iteration)
            rng = np.random.default_rng([key, number])
            open_ones, left = [iter(part) for part in parts], chances.copy()
            while left.sum() > 0:
                drawn = int(rng.choice(len(parts), p=left / left.sum()))
                try:
                    yield next(open_ones[drawn])
                except StopIteration:
                    left[drawn] = 0
                    if stop_on_empty_dataset:
                        return

        return cls(make, _all_of(parts, stop_on_empty_dataset), lambda: parts[0].element_spec)  # type: ignore[return-value]

    @classmethod
    def choose_from_datasets(
        cls, datasets: Sequence[Any], choice_dataset: Any, stop_on_empty_dataset: bool = True
    ) -> Dataset:
        """Elements of several datasets, each time of the one whose number another dataset gives.

        Args:
            datasets: whose elements have one structure.
            choice_dataset: gives numbers from 0.
            stop_on_empty_dataset: whether all ends with a choice of one that has ended; False to go on with
                the next choice.
        """
        parts = _checked("choose_from_datasets", datasets)
        (choices,) = _checked("choose_from_datasets", [choice_dataset])

        def make() -> Iterator[Any]:
            open_ones = [iter(part) for part in parts]
            for choice in choices:
                number = int(choice)
                if not 0 <= number < len(parts):
                    raise ValueError(f"Dataset.choose_from_datasets: there is no dataset {number}")
                try:
                    yield next(open_ones[number])
                except StopIteration:
                    if stop_on_empty_dataset:
                        return

        return cls(make, sizes.UNKNOWN_CARDINALITY, lambda: parts[0].element_spec)  # type: ignore[return-value]


def _checked(method: str, datasets: Any) -> list[Any]:
    found = list(datasets)
    if not found or not all(isinstance(part, Combining) for part in found):
        raise TypeError(f"Dataset.{method}: {datasets!r:.100}; expected datasets")
    return found


def _all_of(parts: Sequence[Combining], until_the_first: bool) -> int:
    """The number of elements of all; how many come before one of them ends depends on chance."""
    return (
        sizes.UNKNOWN_CARDINALITY if until_the_first else sizes.one_after_the_other([p._size for p in parts])
    )
