"""What calls of layers do besides their outputs: losses that they add, and new values of variables.

Where a tape records a call, both are further outputs, and the values that variables have before it are
further inputs: what is recorded gives the same however often it is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from pycnn.core import tree
from pycnn.core.added_losses import added_losses
from pycnn.core.blueprint import Blueprint
from pycnn.core.rows import like, whole_of
from pycnn.core.symbolic import KerasTensor, Node
from pycnn.core.tensor import any_assigned, was_assigned
from pycnn.core.variable import Variable

if TYPE_CHECKING:
    from pycnn.core.layer import Layer


class AddedLoss(NamedTuple):
    """What is known of a loss before it is computed."""

    leaf: int  # which of the called layer's leaves adds it; -1 for the layer itself
    shape: tuple[int | None, ...]


class Effects(NamedTuple):
    """What is known of a call's effects before it is computed."""

    losses: list[AddedLoss]
    variables: list[Variable]  # that get new values


class RecordedCall(NamedTuple):
    """What a call on symbols returned, and its effects."""

    result: Any
    losses: list[tuple[int, KerasTensor]]  # with the leaves that add them
    values: list[tuple[Variable, KerasTensor]]  # new ones


class CallWithEffects:
    """A layer whose calls give its outputs and, after them, the losses that are added and variables' values.

    Args:
        layer: that is called.
        before: variables whose values are the call's last inputs.
        after: variables whose new values are its last outputs.
    """

    def __init__(self, layer: Layer, before: Sequence[Variable] = (), after: Sequence[Variable] = ()) -> None:
        self.layer = layer
        self.name = layer.name
        self.before, self.after = tuple(before), tuple(after)

    def connect(self, graph: Blueprint, call: Node, nodes: Sequence[int]) -> Sequence[int]:
        """Adds a call to a graph, after `nodes`; returns the nodes of outputs, losses and values."""
        count = len(nodes) - len(self.before)
        given = dict(zip(self.before, nodes[count:], strict=True))
        # Without variables of its own, the call assigns for all that comes after it in the graph.
        with graph.with_assigned(given) if given else nullcontext(graph.assigned) as assigned:
            outputs, added = self._connected(graph, call, nodes[:count])
            values = [assigned[variable] for variable in self.after]
        if len(outputs) + len(added) + len(values) != len(call.outputs):
            raise ValueError(
                f"Layer {self.name!r} added {len(added)} losses this time, and "
                f"{len(call.outputs) - len(outputs) - len(values)} before: it must always call `add_loss` as "
                f"often"
            )
        return [*outputs, *(node for node, _ in added), *values]

    def _connected(
        self, graph: Blueprint, call: Node, nodes: Sequence[int]
    ) -> tuple[Sequence[int], list[tuple[int, Layer]]]:
        before = len(graph.losses), len(graph.penalties)
        alone = Node(self.layer, call.inputs[: len(nodes)], (), call.arguments, call.training)
        outputs = self.layer.connect(graph, alone, nodes)
        return outputs, added_losses(graph, before)

    def effects_of(self, call: Node) -> Effects:
        """The effects of a call, from a graph of its own."""
        graph = Blueprint(bool(call.training), in_order=True)
        nodes = [graph.stand_in(symbol) for symbol in call.inputs]
        _, added = self._connected(graph, call, nodes)
        leaves = self.layer.leaves()
        losses = [
            AddedLoss(
                leaves.index(layer) if layer in leaves else -1,
                (None,) * graph.is_batched(node) + graph.shape(node),
            )
            for node, layer in added
        ]
        return Effects(losses, list(graph.assigned))


def with_effects(
    layer: Layer, result: Any, value_of: Callable[[Variable], KerasTensor] | None = None
) -> RecordedCall:
    """A call on symbols with its effects as further symbols.

    Args:
        layer: that was called.
        result: the symbols that it returned.
        value_of: gives the symbol of a variable's value before the call; None where the graph that the call
            becomes part of keeps the variables' values.
    """
    outputs = tree.flatten(result)
    call = whole_of(outputs[0]).node if outputs else None
    if call is None:
        return RecordedCall(result, [], [])
    losses, changed = _known(layer, call)
    read: list[Variable] = []
    if value_of is None:
        changed = []
    elif changed or any_assigned():
        read = [*changed, *(v for v in layer.variables if was_assigned(v) and v not in changed)]
    if not losses and not read:
        return RecordedCall(result, [], [])
    operation = CallWithEffects(layer, read, changed)
    given = [] if value_of is None else [value_of(variable) for variable in read]
    outputs = [KerasTensor(whole_of(output).shape, output.dtype) for output in outputs]
    added = [KerasTensor(loss.shape) for loss in losses]
    values = [KerasTensor(variable.shape) for variable in changed]
    Node(operation, [*call.inputs, *given], [*outputs, *added, *values], call.arguments, call.training)
    owners = [loss.leaf for loss in losses]
    made = iter(outputs)
    return RecordedCall(
        tree.transformed(lambda leaf: like(leaf, next(made)), result),
        list(zip(owners, added, strict=True)),
        list(zip(changed, values, strict=True)),
    )


def _known(layer: Layer, call: Node) -> Effects:
    """The effects of a call: known from one like it, as calls are made often, in loops of one's own."""
    leaves = layer.leaves()
    if not any(leaf.may_add_losses for leaf in leaves):
        return Effects([], [])
    plain = tree.transformed(lambda x: x.shape if isinstance(x, KerasTensor) else x, call.arguments)
    inside = [(id(leaf), leaf.activity_regularizer is None) for leaf in leaves]
    key = repr(([symbol.shape for symbol in call.inputs], call.training, plain, inside))
    known: dict[str, Effects] = layer.__dict__.setdefault("_known_effects", {})
    if key not in known:
        known[key] = CallWithEffects(layer).effects_of(call)
    return known[key]
