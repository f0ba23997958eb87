"""Models as plain attributes, for `copy` and `pickle`: one row of calls, with numbers for symbols.

Symbols and calls refer to each other along the whole network; what copies them by following these references
runs out of stack in deep ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from pycnn.core import tree
from pycnn.core.layer import Layer
from pycnn.core.rows import Rows, whole_of
from pycnn.core.symbolic import KerasTensor, Node, as_symbol

if TYPE_CHECKING:
    from pycnn.models.model import Model

# What `restore` makes anew.
_MADE_ANEW = {"_whole", "_sources", "_target_list", "_step_list", "_source_structure", "_target_structure"}


class _Number:
    """Stands for a symbol, which a call may take as rows of all samples on an axis."""

    def __init__(self, number: int, axis_of_rows: int | None) -> None:
        self.number = number
        self.axis_of_rows = axis_of_rows


class _Step(NamedTuple):
    """A call: its operation (None for the model itself), and numbers for its inputs."""

    operation: Any
    inputs: list[int]
    arguments: Any
    training: bool | None
    outputs: list[tuple[Any, str, str]]


class _Network(NamedTuple):
    """The calls of a model. Numbers 0, 1, ... are its inputs, then leaves and outputs as they come."""

    sources: list[tuple[Any, str, str] | None]  # shape, dtype and name; None for the Input's own symbol
    leaves: dict[int, Any]  # variables and constants by number
    steps: list[_Step]
    targets: list[int]
    structures: tuple[Any, Any]


def state_of(model: Model, attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a model, of which all can be copied; `restore` makes a model of them."""
    objective = model._objective
    frozen = [] if objective is None else [leaf for leaf in model.leaves() if id(leaf) in objective.frozen]
    optimizer = model.optimizer_in_use()
    if optimizer is not None:
        optimizer.follow(model.trainable_weights)
    plain = {name: value for name, value in attributes.items() if name not in _MADE_ANEW}
    none = dict.fromkeys(("_program", "_trained", "_last_loss", "_returned"))
    return {
        "attributes": plain | none | {"_lowered": []},
        "network": _network_of(model),
        "frozen": frozen,
    }


def restore(model: Model, state: dict[str, Any]) -> None:
    """Gives a model without calls those of a state; its attributes are there already."""
    _connect(model, state["network"])
    if model._objective is not None:
        model._objective.frozen = frozenset(id(layer) for layer in state["frozen"])


def _network_of(model: Model) -> _Network:
    numbers = {symbol: number for number, symbol in enumerate(model._sources)}
    leaves: dict[int, Any] = {}

    def number_of(symbol: KerasTensor) -> int:
        if symbol not in numbers:
            assert symbol.is_leaf
            leaves[len(numbers)] = _held(symbol)
            numbers[symbol] = len(numbers)
        return numbers[symbol]

    def marked(structure: Any) -> Any:
        def mark(leaf: Any) -> Any:
            axis = leaf.at if isinstance(leaf, Rows) else None
            return _Number(number_of(whole_of(leaf)), axis) if isinstance(leaf, KerasTensor) else leaf

        return tree.transformed(mark, structure)

    steps = []
    for step in model._steps:
        operation = None if step.operation is model else step.operation
        inputs = [number_of(symbol) for symbol in step.inputs]
        steps.append(_Step(operation, inputs, marked(step.arguments), step.training, step.call.described))
        for output in step.outputs:
            numbers[output] = len(numbers)
    sources = [
        None
        if source.node is not None and source.node.operation is layer
        else (source.shape, source.dtype, source.name)
        for source, layer in zip(model._sources, model._input_layers, strict=True)
    ]
    targets = [number_of(symbol) for symbol in model._targets]
    structures = marked(model._source_structure), marked(model._target_structure)
    return _Network(sources, leaves, steps, targets, structures)


def _held(leaf: KerasTensor) -> Any:
    """What a symbol that nothing computes stands for; itself where each run draws it."""
    if leaf.seed is not None:
        return leaf
    return leaf.constant if leaf.variable is None else leaf.variable


def _connect(model: Model, network: _Network) -> None:
    symbols: dict[int, KerasTensor] = {}
    for source, layer in zip(network.sources, model._input_layers, strict=True):
        symbols[len(symbols)] = layer.output if source is None else KerasTensor(*source)
    sources = list(symbols.values())
    symbols |= {number: as_symbol(leaf) for number, leaf in network.leaves.items()}
    unmarked = _symbols_for(symbols)
    steps: list[Node] = []
    number = len(sources)
    for step in network.steps:
        while number in network.leaves:
            number += 1
        operation = model if step.operation is None else step.operation
        outputs = [KerasTensor(*described) for described in step.outputs]
        inputs = [symbols[i] for i in step.inputs]
        node = Node(operation, inputs, outputs, unmarked(step.arguments), step.training)
        for output in outputs:
            symbols[number] = output
            number += 1
        steps.append(node)
        if operation is not model and isinstance(operation, Layer):
            operation.note_call(node)
    model._sources = sources
    model._source_structure, model._target_structure = map(unmarked, network.structures)
    model._set_calls(steps, [symbols[i] for i in network.targets])


def _symbols_for(symbols: dict[int, KerasTensor]) -> Callable[[Any], Any]:
    def unmarked(structure: Any) -> Any:
        def unmark(leaf: Any) -> Any:
            if not isinstance(leaf, _Number):
                return leaf
            symbol = symbols[leaf.number]
            return symbol if leaf.axis_of_rows is None else Rows(symbol, leaf.axis_of_rows)

        return tree.transformed(unmark, structure)

    return unmarked
