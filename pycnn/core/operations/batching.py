"""The batch axis: which axes a function may touch, and how values of each sample meet those of all.

A batched `Value` has the batch axis first; the core's shapes leave it out. Axes are counted with it, as in
Keras.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value


def axis_of(name: str, axis: Any, rank: int) -> int:
    """An axis as a number from 0."""
    try:
        number = operator.index(axis)
    except TypeError:
        raise TypeError(f"{name}: axis is {axis!r}; expected an integer") from None
    if not -rank <= number < rank:
        raise ValueError(
            f"{name}: axis is {number}; expected -{rank} to {rank - 1} for an array of {rank} axes"
        )
    return number % rank


def axes_of(name: str, axis: Any, rank: int) -> tuple[int, ...]:
    """None for all axes, one, or several, as increasing numbers from 0."""
    if axis is None:
        return tuple(range(rank))
    axes = [axis_of(name, a, rank) for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    if len(set(axes)) < len(axes):
        raise ValueError(f"{name}: axis is {axis!r}; an axis comes twice")
    return tuple(sorted(axes))


class MixesSamplesError(ValueError):
    """What a function would do needs the samples of a batch in one array."""


def refuse_batch(x: Value, instead: str) -> MixesSamplesError:
    """The error for what would mix the samples of a batch."""
    return MixesSamplesError(
        f"{x.name}: this would mix the samples of a batch, whose axis is 0 of shape {x.shape}; {instead}"
    )


def within_sample(x: Value, axes: Sequence[int], instead: str) -> tuple[int, ...]:
    """Axes of a sample for those of a value; ValueError where the batch axis is among them."""
    if not x.is_batched:
        return tuple(axes)
    if 0 in axes:
        raise refuse_batch(x, instead)
    return tuple(axis - 1 for axis in axes)


def samples_of(x: Value, shape: Sequence[Any], what: str, instead: str) -> tuple[Any, ...]:
    """One sample's part of a shape that is given with the batch axis, for which None or -1 stands."""
    if not x.is_batched:
        return tuple(shape)
    if not shape or not (shape[0] is None or (isinstance(shape[0], (int, np.integer)) and shape[0] == -1)):
        raise refuse_batch(x, f"{what} is {tuple(shape)}, {instead}")
    return tuple(shape[1:])


def aligned(values: Sequence[Value]) -> list[Value]:
    """Values whose samples broadcast against each other as NumPy's arrays would do with the batch axis.

    Raises:
        ValueError: where the batch axis would meet another one, or shapes do not fit.
    """
    first = next((x for x in values if x.is_batched), None)
    found = list(values) if first is None else [beside(x, first) for x in values]
    try:
        np.broadcast_shapes(*(x.sample for x in found))
    except ValueError:
        shapes = " and ".join(str(x.shape) for x in values)
        kind = ValueError if first is None else MixesSamplesError
        raise kind(f"{values[0].name}: shapes {shapes} do not broadcast") from None
    return found


def beside(x: Value, batched: Value) -> Value:
    """x without an axis in the place of the batch axis."""
    rank = batched.ndim
    if x.is_batched:
        if x.ndim == rank:
            return x
        raise MixesSamplesError(
            f"{x.name}: shapes {batched.shape} and {x.shape} do not fit together, as a batch axis would meet "
            f"another axis; give both one number of axes with keras.ops.expand_dims or reshape"
        )
    if x.ndim < rank:
        return x
    if x.ndim > rank or x.shape[0] != 1:
        raise MixesSamplesError(
            f"{x.name}: shapes {batched.shape} and {x.shape} do not fit together: the second one is the same "
            f"for all samples, so it needs fewer axes, or size 1 on the axis that meets the batch axis"
        )
    return x.then(x.graph.reshape(x.node, x.sample[1:], name=x.name))
