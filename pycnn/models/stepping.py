"""Epochs made of steps: those of the core, or methods `train_step` and `test_step` of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from pycnn.core import tree
from pycnn.core.arrays import as_weights
from pycnn.core.foreign import as_array
from pycnn.core.tensor import before_reading
from pycnn.models.data import Batch, check_lengths, check_stream, class_weights, is_stream, unpack
from pycnn.models.fused_steps import FusedStep
from pycnn.models.sources import ArraySource, Source, stream_source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.models.objective import Objective


class Steps(Protocol):
    """The steps of one epoch."""

    @property
    def take_several(self) -> bool:
        """Whether a batch may be for several steps."""

    def step(self, batch: Any) -> None:
        """One batch."""

    def logs(self) -> dict[str, float]:
        """Values by name, of the batches so far."""

    def finished(self) -> dict[str, float]:
        """The same at the end."""

    def state(self) -> Any:
        """What the logs are made of, as plain data."""

    def restore(self, state: Any) -> None:
        """Goes on from where `state` was called."""


class CoreSteps:
    """Steps of the core, whose losses and metrics are averaged.

    Args:
        objective: of the model.
        step: what the core does with a batch.
    """

    def __init__(
        self, objective: Objective, step: Callable[[Batch], tuple[float, list[float], list[float]]]
    ) -> None:
        self._mean = objective.mean()
        self._step = step
        self.logs = self._mean.logs
        self.finished = self._mean.finished
        self.state = self._mean.state
        self.restore = self._mean.restore

    @property
    def take_several(self) -> bool:
        """Whether a batch may be for several steps."""
        return isinstance(self._step, FusedStep) and self._step.takes_several

    def step(self, batch: Batch) -> None:
        """One batch."""
        before_reading()
        if batch.each and isinstance(self._step, FusedStep):
            for result, size in zip(self._step.several(batch), batch.sizes, strict=True):
                self._mean.add(result, size)
        else:
            self._mean.add(self._step(batch), batch.size)


class OwnSteps:
    """Steps that a model's own method does, whose last result counts.

    Args:
        method: `train_step` or `test_step`.
    """

    take_several = False

    def __init__(self, method: Callable[[Any], Any]) -> None:
        self._method = method
        self._logs: dict[str, float] = {}

    def step(self, batch: RawBatch) -> None:
        """One batch."""
        self._logs = as_logs(self._method(batch.taken()), self._method.__name__)

    def logs(self) -> dict[str, float]:
        """What the last step returned."""
        return dict(self._logs)

    finished = state = logs

    def restore(self, state: dict[str, float]) -> None:
        """Takes these for the last step's."""
        self._logs = dict(state)


def as_logs(result: Any, what: str) -> dict[str, float]:
    """What a step returned as numbers by name."""
    if not isinstance(result, dict):
        raise TypeError(f"`{what}` returned {result!r:.200}; expected a dict of values by name")
    return {str(name): float(np.asarray(value)) for name, value in result.items()}


class RawBatch(NamedTuple):
    """A batch as a step of one's own gets it: x, or a tuple (x, y) or (x, y, sample_weight)."""

    data: Any
    rows: NDArray[np.int64] | None
    size: int

    def part(self, start: int, stop: int) -> RawBatch:
        """The samples from `start` to `stop` of a batch that has all its samples."""
        return RawBatch(tree.transformed(lambda a: a[start:stop], self.data), None, stop - start)

    def taken(self) -> Any:
        """The arrays."""
        return self.data if self.rows is None else tree.transformed(lambda a: a[self.rows], self.data)


def packed(x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None, prefix: str = "") -> RawBatch:
    """Arrays of one or many batches, in the form in which steps of one's own get them.

    Raises:
        ValueError: if their lengths differ, or there is nothing.
    """
    if x is None:
        raise ValueError(f"`{prefix}x` is missing; expected samples")
    parts = [tree.transformed(_as_array, part) for part in (x, y) if part is not None]
    names = {f"{prefix}{'xy'[i]}": tree.flatten(part)[0] for i, part in enumerate(parts)}
    size = check_lengths(**names)
    if size == 0:
        raise ValueError(f"`{prefix}x` is empty; expected at least one sample")
    if sample_weight is not None and class_weight is not None:
        raise ValueError("`sample_weight` and `class_weight` cannot be given at the same time")
    if class_weight is not None:
        sample_weight = class_weights(class_weight, np.asarray(as_array("y", y)))
    if sample_weight is not None:
        parts.append(as_weights(f"{prefix}sample_weight", sample_weight, size))
    return RawBatch(parts[0] if len(parts) == 1 else tuple(parts), None, size)


def as_given(item: Any) -> RawBatch:
    """One batch of a stream in its own structure, with arrays."""
    arrays = tree.transformed(_as_array, tuple(item) if isinstance(item, list) else item)
    return RawBatch(arrays, None, check_lengths(x=tree.flatten(arrays)[0]))


def _as_array(x: Any) -> Any:
    array = np.asarray(as_array("x", x))
    if array.ndim == 0:
        raise ValueError("The data are a single number; expected samples along the first axis")
    return array.astype(np.float32) if array.dtype == np.float64 else array


def raw_source(
    x: Any,
    y: Any,
    batch_size: int | None,
    steps: int | None = None,
    shuffle: bool = False,
    sample_weight: Any = None,
    class_weight: Any = None,
    prefix: str = "",
) -> Source:
    """Batches for steps of one's own, of arrays or of what yields them."""
    if not is_stream(x):
        if isinstance(x, (list, tuple)) and not any(hasattr(item, "__array__") for item in x):
            x = np.asarray(x)
        return ArraySource(packed(x, y, sample_weight, class_weight, prefix), batch_size, shuffle, steps)  # type: ignore[arg-type]
    if y is not None or sample_weight is not None:
        raise ValueError(f"`{prefix}x` yields batches; `y` and `sample_weight` must be None then")
    check_stream(f"{prefix}x", x, steps)

    def convert(item: Any) -> Any:
        if class_weight is None:  # whatever its structure is, the step gets it
            return as_given(item)
        x, y, weight = unpack(item, f"A batch of `{prefix}x`")
        return packed(x, y, weight, class_weight, prefix)

    return stream_source(x, convert, shuffle, steps)
