"""Images and sequences in either data format, as images (h, w, c): a sequence is one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_int, is_sequence
from pycnn.core.operations.nodes import permuted, reshaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycnn.core.operations.value import Value


def sizes(name: str, value: Any, rank: int, minimum: int = 1) -> tuple[int, ...]:
    """An integer for each of `rank` axes, from one for all or one for each."""
    if not is_sequence(value):
        value = (value,) * rank
    elif len(value) != rank:
        expected = "one integer" if rank == 1 else "an integer or a pair (height, width)"
        raise ValueError(f"{name} is {value!r}; expected {expected}")
    return tuple(as_int(name, size, minimum) for size in value)


def pair(values: Sequence[int], single: int = 1) -> tuple[int, int]:
    """Sizes along height and width; those of a sequence are the width's."""
    return (single, values[0]) if len(values) == 1 else (values[0], values[1])


def rank_of(name: str, shape: Sequence[int | None]) -> int:
    """1 for the shape of sequences (n, w, c), 2 for images (n, h, w, c)."""
    if len(shape) not in (3, 4):
        raise ValueError(f"{name}: inputs have shape {tuple(shape)}; expected (n, h, w, c) or (n, w, c)")
    return len(shape) - 2


def as_image(x: Value, data_format: str) -> Value:
    """Samples (w, c), (h, w, c) or, with channels first, (c, w), (c, h, w), as (h, w, c).

    What `from_image` made is taken back, so that a row of layers computes on images throughout.
    """
    known = x.graph.images.get((x.node, data_format))
    if known is not None:
        return x.then(known)
    rank = len(x.sample) - 1
    if data_format == "channels_first":
        x = permuted(x, [*range(1, rank + 1), 0])
    return reshaped(x, (*pair(x.sample[:-1]), x.sample[-1]))


def from_image(y: Value, rank: int, data_format: str) -> Value:
    """The other way round."""
    x = reshaped(y, y.sample[2 - rank :])
    if data_format == "channels_first":
        x = permuted(x, [rank, *range(rank)])
    if x.node != y.node:
        x.graph.images[x.node, data_format] = y.node
    return x
