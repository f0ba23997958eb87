"""Which layer of a model gets what other layers return: for pictures of it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Box(NamedTuple):
    """A call of a layer, of a model or of a function inside a model."""

    operation: Any
    name: str  # that of the operation; one that is called several times has further names
    kind: str  # the name of its class, or of the function
    origins: list[int]  # numbers of the boxes whose outputs it gets, in order
    input_shapes: list[Any]
    output_shapes: list[Any]


def outline(model: Any) -> list[Box]:
    """The boxes of a model, in the order in which they run.

    Layers of a model of one's own class, whose `call` has not been traced, have no origins.
    """
    if not model.steps:
        return [_box(layer, 1, [], [], []) for layer in model.layers]
    made_by: dict[Any, int] = {}
    counts: dict[Any, int] = {}
    boxes: list[Box] = []
    for symbol, layer in zip(model.inputs, model.input_layers, strict=True):
        made_by[symbol] = len(boxes)
        boxes.append(_box(layer, 1, [], [], [symbol]))
    for call in model.steps:
        counts[call.operation] = number = counts.get(call.operation, 0) + 1
        origins = dict.fromkeys(made_by[x] for x in call.inputs if x in made_by)
        made_by.update(dict.fromkeys(call.outputs, len(boxes)))
        boxes.append(_box(call.operation, number, list(origins), call.inputs, call.outputs))
    return boxes


def _box(operation: Any, number: int, origins: list[int], inputs: Any, outputs: Any) -> Box:
    kind = type(operation).__name__
    name = operation.name if number == 1 else f"{operation.name}_call_{number}"
    kind = operation.name if kind == "Operation" else kind
    return Box(operation, name, kind, origins, [x.shape for x in inputs], [x.shape for x in outputs])
