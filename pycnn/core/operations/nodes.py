"""Nodes of the core's graph for `Value`s: what the functions of `keras.ops` are lowered to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pycnn.core.operations.batching import aligned

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value


def mapped(kind: str, *operands: Value | float) -> Value:
    """An instruction of the core's expressions on values that broadcast, and numbers.

    An operand that comes twice is one of the node's inputs once.
    """
    given = list(dict.fromkeys(x.node for x in operands if not isinstance(x, float)))
    first = {x.node: x for x in operands if not isinstance(x, float)}
    values = aligned([first[node] for node in given])
    same = len(values) == 2 and all(x.is_batched and x.sample == values[0].sample for x in values)
    if kind == "add" and same:
        return values[0].then(values[0].graph.add([x.node for x in values], name=values[0].name))
    register = {node: i for i, node in enumerate(given)}
    code: list[Any] = []
    registers = []
    for x in operands:
        if isinstance(x, float):
            registers.append(len(values) + len(code))
            code.append(("constant", x))
        else:
            registers.append(register[x.node])
    code.append((kind, *registers))
    x = values[0]
    return x.then(x.graph.map([value.node for value in values], code, name=x.name))


def filled(x: Value, value: float) -> Value:
    """A number in the shape of x."""
    return x.then(x.graph.map([x.node], [("constant", value)], name=x.name))


def activated(x: Value, kind: str, **options: float) -> Value:
    """One of the core's activations."""
    return x.then(x.graph.activation(x.node, kind, name=x.name, **options))


def reshaped(x: Value, sample: Sequence[int]) -> Value:
    """The same values in another shape, of a sample where x is batched."""
    return x if tuple(sample) == x.sample else x.then(x.graph.reshape(x.node, list(sample), name=x.name))


def strides_of(shape: Sequence[int]) -> list[int]:
    """The strides of a contiguous array, in elements."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def viewed(x: Value, sample: Sequence[int], strides: Sequence[int], offset: int = 0) -> Value:
    """A copy of a strided view of each sample; strides may be 0 or negative."""
    if tuple(sample) == x.sample and list(strides) == strides_of(sample) and offset == 0:
        return x
    node = x.graph.strided(x.node, shape=list(sample), offset=offset, strides=list(strides), name=x.name)
    return x.then(node)


def permuted(x: Value, order: Sequence[int]) -> Value:
    """Axes of each sample in another order; without a copy where only those of size 1 move."""
    shape, strides = x.sample, strides_of(x.sample)
    wanted = [shape[axis] for axis in order]
    long = [axis for axis in order if shape[axis] > 1]
    if long == sorted(long):
        return reshaped(x, wanted)
    return viewed(x, wanted, [strides[axis] for axis in order])


def broadcasted(x: Value, sample: Sequence[int]) -> Value:
    """Each sample repeated to a shape that it broadcasts to."""
    skip = len(sample) - len(x.sample)
    strides = [
        0 if size == 1 else stride for size, stride in zip(x.sample, strides_of(x.sample), strict=True)
    ]
    return x if tuple(sample) == x.sample else viewed(x, sample, [0] * skip + strides)


def for_samples(x: Value) -> Value:
    """What is the same for all samples, with a batch axis before its own."""
    zero = x.then(x.graph.zero_of_samples())
    return mapped("add", reshaped(zero, (1,) * len(x.sample)), x)


def reduced(x: Value, kind: str, axes: Sequence[int], keepdims: bool) -> Value:
    """A reduction over axes of each sample, neighbouring ones at once."""
    shape = list(x.sample)
    node = x.node
    for run in reversed(_runs(axes)):
        outer, inner = math.prod(shape[: run[0]]), math.prod(shape[run[-1] + 1 :])
        n = math.prod(shape[run[0] : run[-1] + 1])
        for axis in run:
            shape[axis] = 1
        node = x.graph.reduce(node, kind, outer=outer, n=n, inner=inner, shape=shape, name=x.name)
    kept = [size for axis, size in enumerate(shape) if keepdims or axis not in axes]
    return reshaped(x.then(node), kept)


def _runs(axes: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for axis in axes:
        if runs and runs[-1][-1] == axis - 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    return runs
