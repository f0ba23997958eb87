"""What functions of `keras.ops`, and layers made of them, compute with when they are lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint

    Shape = tuple[int | None, ...]


class Value:
    """A node of a graph that grows: what functions of `keras.ops` compute with when they are lowered.

    Args:
        graph: that it is a node of.
        node: its number.
        name: of the operation that is being lowered, for messages and the nodes to come.
    """

    __slots__ = ("graph", "name", "node")

    def __init__(self, graph: Blueprint, node: int, name: str) -> None:
        self.graph = graph
        self.node = node
        self.name = name

    @property
    def is_batched(self) -> bool:
        """Whether every sample has a value of its own."""
        return self.graph.is_batched(self.node)

    @property
    def sample(self) -> tuple[int, ...]:
        """The shape without the batch axis."""
        return self.graph.shape(self.node)

    @property
    def shape(self) -> Shape:
        """The shape with the batch axis, None, where there is one."""
        return (None, *self.sample) if self.is_batched else self.sample

    @property
    def ndim(self) -> int:
        """Number of axes, the batch axis included."""
        return len(self.sample) + self.is_batched

    def then(self, node: int) -> Value:
        """Another node of the same operation."""
        return Value(self.graph, node, self.name)

    def constant(self, array: Any) -> Value:
        """Numbers as a node of the same operation."""
        return self.then(self.graph.values_of(np.ascontiguousarray(array, np.float32)))
