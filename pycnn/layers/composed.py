"""Layers that are made of functions of `keras.ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pycnn.core.layer import Layer
from pycnn.layers.checks import sample_axis

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.operations.value import Value
    from pycnn.core.variable import Variable


def on_last_axis(layer: Layer, graph: Blueprint, node: int, axis: int, function: Callable[[int], int]) -> int:
    """The function of a node with `axis`, counted with the batch axis, moved to the end; it is moved back."""
    rank = len(graph.shape(node))
    place = sample_axis(layer, axis, graph.shape(node))
    if place == rank - 1:
        return function(node)
    from pycnn.core.operations.nodes import permuted
    from pycnn.core.operations.value import Value

    order = [*(a for a in range(rank) if a != place), place]
    last = function(permuted(Value(graph, node, layer.name), order).node)
    return permuted(Value(graph, last, layer.name), [order.index(a) for a in range(rank)]).node


class Composed(Layer):
    """What computes its output from its inputs and weights with `keras.ops`: a subclass says how."""

    # With **, as for `lower`.
    def compute(self, ops: Any, *inputs: Any, **_: Any) -> Value:
        """The output for the inputs; `ops` is `keras.ops`, which `import pycnn` does not load."""
        raise NotImplementedError(f"{type(self).__name__} has no `compute`")

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        from pycnn import ops
        from pycnn.core.operations.value import Value

        return self.compute(ops, *(Value(graph, node, self.name) for node in nodes)).node

    def value_of(self, variable: Variable, x: Value) -> Value:
        """A weight of this layer, to compute with beside an input x."""
        return x.then(x.graph.variable(variable, self))
