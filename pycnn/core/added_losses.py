"""Losses that layers add while they compute: by `add_loss`, and by regularizers of their outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycnn.core import tree
from pycnn.core.blueprint import Blueprint
from pycnn.core.function import Function, tracing
from pycnn.core.symbolic import KerasTensor, Node

if TYPE_CHECKING:
    from pycnn.core.layer import Layer


def added_losses(graph: Blueprint, first: tuple[int, int] = (0, 0)) -> list[tuple[int, Layer]]:
    """The nodes of losses that layers have added to a graph, and the layers.

    Args:
        graph: to which a function has been added.
        first: how many losses and regularized outputs were there before those that are wanted.
    """
    found = graph.losses[first[0] :]
    for regularizer, node, layer in graph.penalties[first[1] :]:
        symbol = KerasTensor((None, *graph.shape(node)), name=layer.name)
        with tracing():
            what = f"The activity_regularizer of layer {layer.name!r}"
            value = one_number(what, regularizer(symbol)) / _samples(symbol)
        found.append((Function([symbol], [value]).lower(graph, [node])[0], layer))
    return found


def one_number(what: str, value: Any) -> Any:
    """What a regularizer returned, where it is a symbol of one number."""
    if not isinstance(value, KerasTensor) or value.shape != ():
        raise TypeError(
            f"{what} returned {value!r:.200}; expected one number, as keras.ops compute it from a symbol"
        )
    return value


def _samples(x: KerasTensor) -> Any:
    """The number of samples in a batch, as a symbol."""
    from pycnn.core.operations import creation, gradients, reductions, shapes

    first = shapes.reshape(gradients.stop_gradient(x), (-1, math.prod(x.sample_shape)))[:, 0]
    return reductions.sum(creation.ones_like(first))


class AddedLoss(NamedTuple):
    """What is known of a loss before it is computed."""

    leaf: int  # which of the called layer's leaves adds it; -1 for the layer itself
    shape: tuple[int | None, ...]


class CallWithLosses:
    """A layer whose calls give its outputs and, after them, the losses that it and the layers inside add.

    Args:
        layer: that is called.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.name = layer.name

    def connect(self, graph: Blueprint, call: Node, nodes: Sequence[int]) -> Sequence[int]:
        """Adds a call to a graph, after `nodes`; returns the nodes of outputs and losses."""
        outputs, added = self._connected(graph, call, nodes)
        if len(outputs) + len(added) != len(call.outputs):
            raise ValueError(
                f"Layer {self.name!r} added {len(added)} losses this time, and "
                f"{len(call.outputs) - len(outputs)} before: it must always call `add_loss` as often"
            )
        return [*outputs, *(node for node, _ in added)]

    def _connected(
        self, graph: Blueprint, call: Node, nodes: Sequence[int]
    ) -> tuple[Sequence[int], list[tuple[int, Layer]]]:
        before = len(graph.losses), len(graph.penalties)
        alone = Node(self.layer, call.inputs, (), call.arguments, call.training)
        outputs = self.layer.connect(graph, alone, nodes)
        return outputs, added_losses(graph, before)

    def losses_of(self, call: Node) -> list[AddedLoss]:
        """The losses of a call, from a graph of its own."""
        graph = Blueprint(bool(call.training))
        nodes = [stand_in(graph, symbol) for symbol in call.inputs]
        _, added = self._connected(graph, call, nodes)
        leaves = self.layer.leaves()
        return [
            AddedLoss(
                leaves.index(layer) if layer in leaves else -1,
                (None,) * graph.is_batched(node) + graph.shape(node),
            )
            for node, layer in added
        ]


def stand_in(graph: Blueprint, symbol: KerasTensor) -> int:
    """A node of a symbol's shape."""
    if symbol.is_leaf:
        return graph.leaf(symbol)
    if symbol.is_batched:
        return graph.input(symbol.sample_shape, name=symbol.name)
    return graph.values_of(np.zeros(symbol.sample_shape, np.float32))


def with_losses(layer: Layer, result: Any) -> tuple[Any, list[tuple[int, KerasTensor]]]:
    """What a call on symbols returned, and the losses that it adds with the leaves that add them.

    Args:
        layer: that was called.
        result: its symbols.
    """
    outputs = tree.flatten(result)
    call = outputs[0].node if outputs else None
    leaves = layer.leaves()
    if call is None or not any(leaf.may_add_losses for leaf in leaves):
        return result, []
    operation = CallWithLosses(layer)
    # Known from one like it: calls are made often, in loops of one's own.
    plain = tree.transformed(lambda x: x.shape if isinstance(x, KerasTensor) else x, call.arguments)
    inside = [(id(leaf), leaf.activity_regularizer is None) for leaf in leaves]
    key = repr(([symbol.shape for symbol in call.inputs], call.training, plain, inside))
    known = layer.__dict__.setdefault("_known_losses", {})
    if key not in known:
        known[key] = operation.losses_of(call)
    if not known[key]:
        return result, []
    outputs = [KerasTensor(output.shape, output.dtype) for output in outputs]
    losses = [KerasTensor(added.shape) for added in known[key]]
    Node(operation, call.inputs, [*outputs, *losses], call.arguments, call.training)
    return tree.packed(result, outputs), [
        (added.leaf, loss) for added, loss in zip(known[key], losses, strict=True)
    ]
