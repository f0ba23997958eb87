"""Data checked against a model, and made into batches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core import tree
from pycnn.core.arguments import as_int
from pycnn.core.arrays import as_samples, as_weights
from pycnn.core.foreign import as_array
from pycnn.models.data import (
    Batch,
    batches_in,
    check_lengths,
    check_stream,
    class_weights,
    is_sequence,
    is_stream,
    unpack,
)
from pycnn.models.sources import ArraySource, Source, stream_source
from pycnn.models.structure import by_output, in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.models.objective import Objective

    Shape: TypeAlias = tuple[int, ...]


class Ends:
    """Names and shapes of a model's inputs and outputs.

    Args:
        inputs: shapes of samples by name.
        outputs: the same of the outputs.
    """

    def __init__(self, inputs: dict[str, Shape], outputs: dict[str, Shape]) -> None:
        self.inputs = inputs
        self.outputs = outputs

    def samples(self, name: str, x: Any) -> list[NDArray[Any]]:
        """The samples of each input as the core takes them."""
        given = in_order(name, x, list(self.inputs), "input")
        several = len(given) > 1
        return [
            as_samples(f"{name}[{key!r}]" if several else name, array, shape)
            for array, (key, shape) in zip(given, self.inputs.items(), strict=True)
        ]


class Feeder:
    """Makes data into what the core's steps take.

    Args:
        ends: of the model.
        objective: knows what labels or targets the losses need.
        prefix: put before the names of arguments in messages.
    """

    def __init__(self, ends: Ends, objective: Objective, prefix: str = "") -> None:
        self._ends = ends
        self._objective = objective
        self._prefix = prefix

    def targets(self, y: Any) -> list[NDArray[Any] | None]:
        """Labels or targets of each output, as metrics see them."""
        name, outputs = f"{self._prefix}y", self._ends.outputs
        several = len(outputs) > 1
        if y is None and several:
            given: list[Any] = [None] * len(outputs)
        elif several and isinstance(y, dict):
            given = by_output(name, y, list(outputs))
        else:
            given = in_order(name, y, list(outputs), "output")
        return [
            goal.targets(f"{name}[{goal.name!r}]" if several else name, one, shape)
            for goal, one, shape in zip(self._objective.goals, given, outputs.values(), strict=True)
        ]

    def batch(self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Batch:
        """Checked arrays of one or many batches."""
        prefix = self._prefix
        samples = self._ends.samples(f"{prefix}x", x)
        truth = self.targets(y)
        goals = self._objective.goals
        targets = [goal.smoothed(one) for goal, one in zip(goals, truth, strict=True)]
        names: dict[str, NDArray[Any] | None]
        names = {f"{prefix}x" if i == 0 else f"{prefix}x[{i}]": array for i, array in enumerate(samples)}
        names |= {f"{prefix}y" if i == 0 else f"{prefix}y[{i}]": array for i, array in enumerate(targets)}
        n = check_lengths(**names)
        if n == 0:
            raise ValueError(f"`{prefix}x` is empty; expected at least one sample")
        if sample_weight is not None and class_weight is not None:
            raise ValueError("`sample_weight` and `class_weight` cannot be given at the same time")
        weights: list[Any] = []
        if sample_weight is not None:
            outputs = list(self._ends.outputs)
            given = (
                [sample_weight] if len(outputs) == 1 else by_output("sample_weight", sample_weight, outputs)
            )
            weights = [None if w is None else as_weights(f"{prefix}sample_weight", w, n) for w in given]
        if class_weight is not None:
            if len(targets) != 1 or targets[0] is None:
                raise ValueError("`class_weight` needs a model with one output; use `sample_weight`")
            weights = [class_weights(class_weight, targets[0])]
        for goal, weight in zip(goals, weights, strict=False):
            if weight is not None and not goal.takes_weights:
                raise ValueError(
                    f"`{prefix}sample_weight`: the loss of output {goal.name!r} is one number for all "
                    f"samples, or one for each of several rows of a sample; expected no weights"
                )
        read = [truth[i] for i in self._objective.read_targets()]
        for i in self._objective.read_weights():
            weight = weights[i] if weights else None
            read.append(np.ones(n, np.float32) if weight is None else weight)
        return Batch(samples + [y for y in read if y is not None], targets, None, weights, n, truth)

    def source(
        self,
        x: Any,
        y: Any,
        batch_size: int | None,
        steps: int | None = None,
        shuffle: bool = False,
        sample_weight: Any = None,
        class_weight: Any = None,
    ) -> Source:
        """Batches of arrays, or of what yields them."""
        if not is_stream(x):
            return ArraySource(self.batch(x, y, sample_weight, class_weight), batch_size, shuffle, steps)
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"`{self._prefix}x` yields batches with labels; `y` and `sample_weight` must be None then"
            )
        check_stream(f"{self._prefix}x", x, steps)

        def convert(item: Any) -> Batch:
            return self.batch(*unpack(item, f"A batch of `{self._prefix}x`"), class_weight)

        return stream_source(x, convert, shuffle, steps)

    def validation(self, data: Any, batch_size: int | None, steps: int | None) -> Source | None:
        """Batches of `validation_data`."""
        if data is None:
            return None
        steps = None if steps is None else as_int("validation_steps", steps, 1)
        feeder = Feeder(self._ends, self._objective, "validation ")
        if is_stream(data):
            return feeder.source(data, None, batch_size, steps)
        x, y, weight = unpack(data, "`validation_data`")
        return feeder.source(x, y, batch_size, steps, sample_weight=weight)


def first_item(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Samples and targets that show their shapes, and x with nothing taken from it."""
    if not is_stream(x):
        return x, y, x
    if is_sequence(x):
        return (None, None, x) if batches_in(x) == 0 else (*unpack(x[0], "A batch of `x`")[:2], x)
    if not hasattr(x, "__next__"):
        return (*unpack(next(iter(x), (None,)), "A batch of `x`")[:2], x)
    item = next(x, None)
    if item is None:
        return None, None, x
    return (*unpack(item, "A batch of `x`")[:2], chain([item], x))


def split(
    x: Any, y: Any, sample_weight: Any, fraction: float
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The samples before and after floor(n * (1 - fraction)): for training and for validation."""
    if not 0 < fraction < 1:
        raise ValueError(f"`validation_split` is {fraction}; expected a number between 0 and 1")
    if is_stream(x) or x is None or y is None:
        raise ValueError("`validation_split` needs arrays `x` and `y`; give `validation_data` instead")
    parts = [_arrays(name, value) for name, value in (("x", x), ("y", y), ("sample_weight", sample_weight))]
    arrays = {
        name if i == 0 else f"{name}[{i}]": array
        for name, part in zip(("x", "y", "sample_weight"), parts, strict=True)
        for i, array in enumerate(tree.flatten(part))
    }
    n = check_lengths(**arrays)
    cut = int(np.floor(n * (1.0 - fraction)))
    if not 0 < cut < n:
        raise ValueError(
            f"`validation_split` {fraction} of {n} samples leaves none for training or for validation"
        )

    def cut_out(start: int, stop: int) -> tuple[Any, Any, Any]:
        return tuple(tree.transformed(lambda a: None if a is None else a[start:stop], part) for part in parts)

    return cut_out(0, cut), cut_out(cut, n)


def _arrays(name: str, value: Any) -> Any:
    """Arrays in their structure; None as it is."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: _arrays(name, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and value and _are_arrays(value):
        return [_arrays(name, item) for item in value]
    array = np.asarray(as_array(name, value))
    if array.ndim == 0:
        raise ValueError(f"`{name}` is a single number; expected an array")
    return array


def _are_arrays(items: Sequence[Any]) -> bool:
    return all(hasattr(item, "__array__") and len(np.shape(item)) > 0 for item in items)
