"""Random numbers in a graph: other ones in every step and, where they have a batch axis, for every sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pycnn.core.operations.nodes import mapped

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value


def uniform(x: Value, sample: Sequence[int], batched: bool = True) -> Value:
    """Uniform numbers in [0, 1) of this shape, for every sample or once for all, beside x in its graph."""
    return x.then(x.graph.uniform(list(sample), batched=batched, name=x.name))


def normal(x: Value) -> Value:
    """Standard normal numbers in the shape of x, by the form of Box and Muller 1958."""
    radius, angle = uniform(x, x.sample, x.is_batched), uniform(x, x.sample, x.is_batched)
    length = mapped("sqrt", mapped("multiply", mapped("log", mapped("subtract", 1.0, radius)), -2.0))
    return mapped("multiply", length, mapped("cos", mapped("multiply", angle, 2.0 * math.pi)))
