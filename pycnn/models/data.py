"""Batches as the core's steps take them, and what the data may be that give them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from pycnn.core.arguments import as_number
from pycnn.core.arrays import check_finite
from pycnn.core.foreign import is_sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]


_AHEAD = 2  # batches that are fetched before a step needs them


class Batch(NamedTuple):
    """What one step gets: the samples x[rows], or all of x where rows is None; `size` is their number.

    Where `each` is not 0 they are for several steps, of so many samples each but the last one, and have rows.
    """

    x: list[NDArray[Any]]  # of each input, and of the targets that the network itself reads
    y: list[NDArray[Any] | None]  # of each output
    rows: NDArray[np.int64] | None
    weight: list[F32 | None]  # of each output, or nothing
    size: int
    truth: list[
        NDArray[Any] | None
    ]  # of each output, the targets as metrics see them: without label smoothing
    each: int = 0

    @property
    def sizes(self) -> list[int]:
        """The number of samples of each of its steps."""
        each = self.each or self.size
        return [min(each, self.size - begin) for begin in range(0, self.size, each)]

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
    numbers = np.rint(y)
    for label, weight in weights.items():
        try:
            number = operator.index(int(label) if isinstance(label, float) and label.is_integer() else label)
            values[numbers == number] = as_number("class_weight", weight)
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


# --- what yields batches ------------------------------------------------------------------------------------
def is_sequence(data: Any) -> bool:
    """Whether data is a sequence of batches: items and their number, but neither an array nor a list."""
    return hasattr(data, "__getitem__") and hasattr(data, "__len__") and is_stream(data)


def is_stream(data: Any) -> bool:
    """Whether data yields batches, rather than being one array of samples."""
    if isinstance(data, (list, tuple, str, bytes, Mapping)) or hasattr(data, "__array__") or is_sparse(data):
        return False
    return isinstance(data, Iterable) or (hasattr(data, "__getitem__") and hasattr(data, "__len__"))


def batches_in(data: Any) -> int | None:
    """How many batches one pass of a stream has; None where it does not say."""
    if hasattr(data, "num_batches"):  # of a PyDataset; None is without end
        return None if data.num_batches is None else int(data.num_batches)
    try:
        return len(data)
    except TypeError:  # it has no length or, as a tf.data.Dataset, not always
        return None


def workers_of(data: Any) -> tuple[int, int]:
    """How many threads fetch the batches of a stream, and how many batches ahead of the step."""
    return getattr(data, "workers", 1), max(int(getattr(data, "max_queue_size", _AHEAD)), 1)


def check_stream(name: str, data: Any, steps: int | None) -> None:
    """What a stream must have.

    Raises:
        TypeError: if it yields samples and not batches.
        ValueError: if there are no batches, or no end of them and no number of steps.
    """
    kinds = {f"{cls.__module__}.{cls.__name__}" for cls in type(data).__mro__}
    if "torch.utils.data.dataset.Dataset" in kinds:
        raise TypeError(
            f"`{name}` is a torch Dataset, which gives one sample after the other; "
            f"expected batches: wrap it in a torch.utils.data.DataLoader"
        )
    count = batches_in(data) if is_sequence(data) else None
    if count == 0:
        raise ValueError(f"`{name}` has no batches; expected at least one")
    endless = is_sequence(data) and count is None
    if hasattr(data, "cardinality"):  # of a tf.data.Dataset, where -1 is without end
        endless = int(data.cardinality()) == -1
    if endless and steps is None:
        raise ValueError(f"`{name}` yields batches without end; give the number of steps")


def unpack(item: Any, what: str) -> tuple[Any, Any, Any]:
    """x, y and weights (None where missing) of one item of a stream."""
    if isinstance(item, Sequence) and not isinstance(item, str) and 1 <= len(item) <= 3:
        return (*item, None, None)[:3]
    raise ValueError(f"{what} is a {type(item).__name__}; expected a tuple (x, y) or (x, y, sample_weight)")
