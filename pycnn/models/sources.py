"""Sources of batches: arrays, and what yields batches."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core import seeds
from pycnn.models.ahead import END, fetched_ahead
from pycnn.models.data import Batch, batches_in, is_sequence, workers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Source:
    """Batches for epochs.

    Where an epoch has a number of steps of its own, it goes on where the one before ended, and ends with a
    warning where the data do; the next one begins with them anew.

    Args:
        steps: batches in an epoch; None for one pass.
        shuffle: whether the order is a new one in each pass.
    """

    def __init__(self, steps: int | None, shuffle: bool) -> None:
        self.limit = steps
        self.shuffle = shuffle
        self.together = 1  # steps that its user takes at once; those that can give batches for several
        self.steps: int | None = steps  # of an epoch, as far as it is known
        self.exhausted = False
        self._taken = 0  # batches of this pass
        self._size: int | None = None  # batches of a pass
        self._before: dict[str, Any] | None = None  # the random numbers' state before this pass

    def epoch(self, first: int = 0) -> Generator[Any]:
        """The batches of one epoch, from its batch number `first`."""
        raise NotImplementedError

    def restart(self) -> None:
        """Begins with the first batch again."""
        self._taken, self._before = 0, None

    # --- passes ---------------------------------------------------------------------------------------------
    def _order_of(self, size: int) -> NDArray[np.int64] | None:
        """A random order for a pass; None for the data's own."""
        if not self.shuffle:
            return None
        self._before = seeds.get_state()
        return seeds.permutation(size)

    def _begins_pass(self, first: int) -> bool:
        """Whether an epoch begins with a new pass."""
        return first == 0 and (self.limit is None or self._taken in (0, self._size))

    def _warn_if_short(self, count: int) -> None:
        """Where an epoch had fewer batches than it should have."""
        if self.limit is not None and count < self.limit:
            warnings.warn(
                f"Your input ran out of data; interrupting training after {count} of {self.limit} batches. "
                f"Make sure that your dataset or generator can generate at least `steps_per_epoch * epochs` "
                f"batches.",
                stacklevel=4,
            )

    # --- for a training that is resumed ---------------------------------------------------------------------
    def position(self) -> dict[str, Any]:
        """Where it is, as plain data."""
        return {"taken": self._taken, "before": self._before}

    def go_to(self, position: dict[str, Any]) -> None:
        """Goes on from where `position` was called."""
        if position["before"] is not None:
            seeds.set_state(position["before"])
        self._resume_pass()
        self._taken = position["taken"]

    def _resume_pass(self) -> None:
        """Finds the order of the pass in which the training was interrupted."""


class ArraySource(Source):
    """Batches of arrays in memory.

    Args:
        data: all samples.
        batch_size: None for 32 or, where `steps` are given, for as many as make one pass of them.
        shuffle, steps: as for every source.
    """

    def __init__(
        self, data: Batch, batch_size: int | None, shuffle: bool = False, steps: int | None = None
    ) -> None:
        super().__init__(steps, shuffle)
        self.data = data
        self.batch_size = size_for(data.size, batch_size, steps)
        self._size = math.ceil(data.size / self.batch_size)
        self.steps = steps or self._size
        self._order: NDArray[np.int64] | None = None

    def epoch(self, first: int = 0) -> Generator[Batch]:
        assert self._size is not None
        if self._begins_pass(first):
            self._resume_pass()
            self._taken = 0
        stop = self._size if self.limit is None else min(self._taken + self.limit - first, self._size)
        data, size, order, begin = self.data, self.batch_size, self._order, self._taken - first
        batch = self._taken
        while batch < stop:
            count = min(self.together, stop - batch)
            samples = slice(batch * size, min((batch + count) * size, data.size))
            self._taken = batch = batch + count
            if order is None and count == 1:
                yield data.part(samples.start, samples.stop)
            else:
                rows = np.arange(samples.start, samples.stop) if order is None else order[samples]
                taken = data._replace(rows=rows, size=len(rows))
                yield taken if count == 1 else taken._replace(each=size)
        self._warn_if_short(stop - begin)

    def _resume_pass(self) -> None:
        self._order = self._order_of(self.data.size)


class SequenceSource(Source):
    """Batches (x, y[, weight]) of an object with items, which threads fetch ahead.

    Its `on_epoch_begin` and `on_epoch_end`, where it has them, are called before and after an epoch.

    Args:
        data: a PyDataset, or another object with a length and items.
        convert: makes an item into a batch.
        shuffle, steps: as for every source.
    """

    def __init__(self, data: Any, convert: Callable[[Any], Any], shuffle: bool, steps: int | None) -> None:
        super().__init__(steps, shuffle)
        self._data = data
        self._convert = convert
        self._size = batches_in(data)
        self.steps = steps or self._size
        self._order: NDArray[np.int64] | None = None

    def epoch(self, first: int = 0) -> Generator[Any]:
        self._tell("on_epoch_begin")
        self._size = batches_in(self._data)
        if self._begins_pass(first):
            self._resume_pass()
            self._taken = 0
        begin = self._taken - first
        stop = self._size if self.limit is None else self._taken + self.limit - first
        if self._size is not None and stop is not None:
            stop = min(stop, self._size)
        assert stop is not None
        order = range(stop) if self._order is None else self._order.tolist()
        jobs = (partial(self._item, order[i]) for i in range(self._taken, stop))
        for batch in fetched_ahead(jobs, *workers_of(self._data)):
            self._taken += 1
            yield batch
        self._warn_if_short(self._taken - begin)
        self._tell("on_epoch_end")

    def _item(self, i: int) -> Any:
        return self._convert(self._data[i])

    def _resume_pass(self) -> None:
        self._order = None if self._size is None else self._order_of(self._size)

    def _tell(self, moment: str) -> None:
        if (method := getattr(self._data, moment, None)) is not None:
            method()


class StreamSource(Source):
    """Batches (x, y[, weight]) that a generator or an iterable yields, fetched ahead by a thread.

    Args:
        data: what yields them; a generator ends for good, other iterables begin anew.
        convert: makes an item into a batch.
        steps: batches in an epoch; None for one pass.
    """

    def __init__(self, data: Any, convert: Callable[[Any], Any], steps: int | None) -> None:
        super().__init__(steps, shuffle=False)
        self._data = data
        self._convert = convert
        self._restarts = not hasattr(data, "__next__")
        self.steps = steps or batches_in(data)
        self._iterator: Iterator[Any] | None = None

    def restart(self) -> None:
        super().restart()
        self._iterator = None

    def epoch(self, first: int = 0) -> Generator[Any]:
        count = first
        for batch in self._batches(first):
            count += 1
            yield batch
        if count == first and self._taken and self._restarts:  # the epoch before had all of the pass
            self.restart()
            for batch in self._batches(first):
                count += 1
                yield batch
        self.steps = self.steps or count
        if count < (self.limit or 1):
            self._iterator = None
            if self._restarts and count:
                self._warn_if_short(count)
            else:
                self.exhausted = True

    def _batches(self, first: int) -> Iterator[Any]:
        """What is left of this pass, up to the end of the epoch."""
        if self.limit is None or self._iterator is None:
            self._iterator, self._taken = iter(self._data), 0
        jobs = repeat(self._next) if self.limit is None else islice(repeat(self._next), self.limit - first)
        workers, window = workers_of(self._data)
        for batch in fetched_ahead(iter(jobs), min(workers, 1), window):
            self._taken += 1
            yield batch

    def _next(self) -> Any:
        assert self._iterator is not None
        item = next(self._iterator, END)
        return END if item is END else self._convert(item)

    def position(self) -> dict[str, Any]:
        return {"taken": 0, "before": None}


def stream_source(data: Any, convert: Callable[[Any], Any], shuffle: bool, steps: int | None) -> Source:
    """The source of what yields batches."""
    if is_sequence(data):
        return SequenceSource(data, convert, shuffle, steps)
    return StreamSource(data, convert, steps)


def size_for(samples: int, batch_size: int | None, steps: int | None) -> int:
    """Samples in a batch of arrays: what was said, as many as make one pass of the steps, or 32."""
    return batch_size or (32 if steps is None else max(math.ceil(samples / steps), 1))
