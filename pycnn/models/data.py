"""Arrays, generators and sequences made into what the core's steps take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from pycnn.core import seeds
from pycnn.core.arrays import check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]


class Batch(NamedTuple):
    """What one step gets: the samples x[rows], or all of x where rows is None; `size` is their number."""

    x: list[NDArray[Any]]  # of each input, and of the targets that the network itself reads
    y: list[NDArray[Any] | None]  # of each output
    rows: NDArray[np.int64] | None
    weight: list[F32 | None]  # of each output, or nothing
    size: int
    truth: list[
        NDArray[Any] | None
    ]  # of each output, the targets as metrics see them: without label smoothing

    def part(self, start: int, stop: int) -> Batch:
        """The samples from `start` to `stop` of a batch that has all its samples."""
        return Batch(
            [x[start:stop] for x in self.x],
            [None if y is None else y[start:stop] for y in self.y],
            None,
            [None if weight is None else weight[start:stop] for weight in self.weight],
            stop - start,
            [None if y is None else y[start:stop] for y in self.truth],
        )


# --- arrays -------------------------------------------------------------------------------------------------
def class_weights(weights: Any, y: NDArray[Any]) -> F32:
    """The weight of each sample's class; classes that `weights` does not name have 1."""
    if not isinstance(weights, Mapping):
        raise TypeError(
            f"`class_weight` is a {type(weights).__name__}; expected a dict from class numbers to weights"
        )
    if y.ndim > 2:
        raise ValueError(f"`class_weight` needs labels of shape (n,), (n, 1) or (n, classes), not {y.shape}")
    if y.ndim == 2:
        y = y.argmax(1) if y.shape[1] > 1 else y[:, 0]
    values = np.ones(len(y), np.float32)
    for label, weight in weights.items():
        try:
            values[np.rint(y) == int(label)] = weight
        except (TypeError, ValueError):
            raise ValueError(
                f"`class_weight` maps {label!r} to {weight!r}; expected a class number and a weight"
            ) from None
    check_finite("class_weight", values)
    return values


def check_lengths(**arrays: NDArray[Any] | None) -> int:
    """The number of samples, which all arrays must agree on."""
    lengths = {name: len(array) for name, array in arrays.items() if array is not None}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            "Arrays of different lengths: "
            + ", ".join(f"`{name}` has {n} samples" for name, n in lengths.items())
        )
    return next(iter(lengths.values()))


# --- sources of batches -------------------------------------------------------------------------------------
class ArraySource:
    """Batches of arrays in memory, in order or shuffled anew for each pass."""

    def __init__(
        self,
        data: Batch,
        batch_size: int,
        shuffle: bool = False,
        steps: int | None = None,
    ) -> None:
        self.data = data
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.exhausted = False
        self.steps: int | None = steps or math.ceil(data.size / batch_size)
        self._limited = steps is not None
        self.restart()

    def restart(self) -> None:
        """Begins with the first batch again."""
        self._endless = self._passes() if self._limited else None

    def epoch(self) -> Iterator[Batch]:
        """The batches of one epoch: one pass, or `steps` batches of passes that follow one another."""
        if self._endless is None:
            yield from self._pass()
        else:
            for _ in range(self.steps or 0):
                yield next(self._endless)

    def _passes(self) -> Iterator[Batch]:
        while True:
            yield from self._pass()

    def _pass(self) -> Iterator[Batch]:
        data, size, n = self.data, self.batch_size, self.data.size
        if self.shuffle:
            order = seeds.permutation(n)
            for start in range(0, n, size):
                rows = order[start : start + size]
                yield data._replace(rows=rows, size=len(rows))
        else:
            for start in range(0, n, size):
                yield data.part(start, min(start + size, n))


class StreamSource:
    """Batches (x, y[, weight]) that a generator, a sequence (length and items) or an iterable yields."""

    def __init__(self, data: Any, convert: Callable[[Any], Batch], shuffle: bool, steps: int | None) -> None:
        self._data = data
        self._convert = convert
        self._shuffle = shuffle
        self._limit = steps
        self.exhausted = False
        self.steps = len(data) if steps is None and is_sequence(data) else steps
        self.restart()

    def restart(self) -> None:
        """Begins with the first batch again, where the data can."""
        self._endless = None if self._limit is None else self._passes()

    def epoch(self) -> Iterator[Batch]:
        """The batches of one epoch: one pass, or `steps` batches of passes that follow one another."""
        taken = 0
        for item in self._pass() if self._endless is None else islice(self._endless, self._limit):
            taken += 1
            yield self._convert(item)
        self.exhausted = taken < (self._limit or 1)
        self.steps = self.steps or taken

    def _passes(self) -> Iterator[Any]:
        """One pass after the other, where the data can start again."""
        found = True
        while found:
            found = False
            for item in self._pass():
                found = True
                yield item

    def _pass(self) -> Iterator[Any]:
        if not is_sequence(self._data):
            # Not `yield from`, which would close the caller's generator together with this one.
            yield from map(_same, self._data)
            return
        order = seeds.permutation(len(self._data)).tolist() if self._shuffle else range(len(self._data))
        for i in order:
            yield self._data[i]
        if hasattr(self._data, "on_epoch_end"):
            self._data.on_epoch_end()


def _same(item: Any) -> Any:
    return item


def is_sequence(data: Any) -> bool:
    """Whether data is a sequence of batches: length and items, but neither an array nor a list."""
    return hasattr(data, "__getitem__") and hasattr(data, "__len__") and is_stream(data)


def is_stream(data: Any) -> bool:
    """Whether data yields batches, rather than being one array of samples."""
    if hasattr(data, "__array__") or isinstance(data, (list, tuple, str, bytes, Mapping)):
        return False
    return isinstance(data, Iterable) or (hasattr(data, "__getitem__") and hasattr(data, "__len__"))


def unpack(item: Any, what: str) -> tuple[Any, Any, Any]:
    """x, y and weights (None where missing) of one item of a stream."""
    if isinstance(item, Sequence) and not isinstance(item, str) and 1 <= len(item) <= 3:
        return (*item, None, None)[:3]
    raise ValueError(f"{what} is a {type(item).__name__}; expected a tuple (x, y) or (x, y, sample_weight)")
