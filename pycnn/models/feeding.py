"""Data checked against a model, and made into batches."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.core.arrays import as_samples, as_weights
from pycnn.models.data import (
    ArraySource,
    Batch,
    StreamSource,
    check_lengths,
    class_weights,
    is_sequence,
    is_stream,
    unpack,
)

if TYPE_CHECKING:
    from pycnn.models.objective import Objective

    Source: TypeAlias = ArraySource | StreamSource


class Feeder:
    """Makes data into what the core's steps take.

    Args:
        input_shape: of one sample.
        output_shape: of one output.
        objective: knows what labels or targets the loss needs.
        prefix: put before the names of arguments in messages.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, ...],
        objective: Objective,
        prefix: str = "",
    ) -> None:
        self._input_shape = input_shape
        self._output_shape = output_shape
        self._objective = objective
        self._prefix = prefix

    def batch(self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Batch:
        """Checked arrays of one or many batches."""
        prefix = self._prefix
        samples = as_samples(f"{prefix}x", x, self._input_shape)
        targets = self._objective.targets(f"{prefix}y", y, self._output_shape)
        n = check_lengths(**{f"{prefix}x": samples, f"{prefix}y": targets})
        if n == 0:
            raise ValueError(f"`{prefix}x` is empty; expected at least one sample")
        if sample_weight is not None and class_weight is not None:
            raise ValueError("`sample_weight` and `class_weight` cannot be given at the same time")
        weight = None
        if sample_weight is not None:
            weight = as_weights(f"{prefix}sample_weight", sample_weight, n)
        if class_weight is not None:
            weight = class_weights(class_weight, targets)
        return Batch(samples, targets, None, weight, n)

    def source(
        self,
        x: Any,
        y: Any,
        batch_size: int,
        steps: int | None = None,
        shuffle: bool = False,
        sample_weight: Any = None,
        class_weight: Any = None,
    ) -> Source:
        """Batches of arrays, or of what yields them."""
        if not is_stream(x):
            batch = self.batch(x, y, sample_weight, class_weight)
            return ArraySource(batch.x, batch.y, batch.weight, batch_size, shuffle, steps)
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"`{self._prefix}x` yields batches with labels; `y` and `sample_weight` must be None then"
            )
        if is_sequence(x) and len(x) == 0:
            raise ValueError(f"`{self._prefix}x` has no batches; expected at least one")

        def convert(item: Any) -> Batch:
            return self.batch(*unpack(item, f"A batch of `{self._prefix}x`"), class_weight)

        return StreamSource(x, convert, shuffle, steps)

    def validation(self, data: Any, batch_size: int, steps: int | None) -> Source | None:
        """Batches of `validation_data`."""
        if data is None:
            return None
        steps = None if steps is None else as_int("validation_steps", steps, 1)
        feeder = Feeder(self._input_shape, self._output_shape, self._objective, "validation ")
        if is_stream(data):
            return feeder.source(data, None, batch_size, steps)
        x, y, weight = unpack(data, "`validation_data`")
        return feeder.source(x, y, batch_size, steps, sample_weight=weight)


def first_samples(x: Any) -> tuple[Any, Any]:
    """An array that shows the shape of the samples, and x with nothing taken from it."""
    if not is_stream(x):
        return x, x
    if is_sequence(x):
        return (unpack(x[0], "A batch of `x`")[0] if len(x) else None), x
    if iter(x) is not x:
        return unpack(next(iter(x), (None,)), "A batch of `x`")[0], x
    item = next(x, None)
    if item is None:
        return None, x
    return unpack(item, "A batch of `x`")[0], chain([item], x)


def split(
    x: Any, y: Any, sample_weight: Any, fraction: float
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The samples before and after floor(n * (1 - fraction)): for training and for validation."""
    if not 0 < fraction < 1:
        raise ValueError(f"`validation_split` is {fraction}; expected a number between 0 and 1")
    if is_stream(x) or x is None or y is None:
        raise ValueError("`validation_split` needs arrays `x` and `y`; give `validation_data` instead")
    x, y = np.asarray(x), np.asarray(y)
    weight = None if sample_weight is None else np.asarray(sample_weight)
    for name, array in (("x", x), ("y", y), ("sample_weight", weight)):
        if array is not None and array.ndim == 0:
            raise ValueError(f"`{name}` is a single number; expected an array")
    n = check_lengths(x=x, y=y, sample_weight=weight)
    cut = int(np.floor(n * (1.0 - fraction)))
    if not 0 < cut < n:
        raise ValueError(
            f"`validation_split` {fraction} of {n} samples leaves none for training or for validation"
        )
    if weight is None:
        return (x[:cut], y[:cut], None), (x[cut:], y[cut:], None)
    return (x[:cut], y[:cut], weight[:cut]), (x[cut:], y[cut:], weight[cut:])
