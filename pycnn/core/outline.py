"""Which layer of a model gets what other layers return: for pictures of it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Box(NamedTuple):
    """A layer, model or function inside a model."""

    operation: Any
    name: str
    kind: str  # the name of its class, or of the function
    origins: list[int]  # numbers of the boxes whose outputs it gets, in order
    input_shapes: list[Any]
    output_shapes: list[Any]


def outline(model: Any) -> list[Box]:
    """The boxes of a model, in the order in which they run; one that is called several times is there once.

    Layers of a model of one's own class, whose `call` has not been traced, have no origins.
    """
    if not model.steps:
        return [_box(layer) for layer in model.layers]
    boxes: list[Box] = []
    numbers: dict[Any, int] = {}
    made_by: dict[Any, int] = {}
    for symbol, layer in zip(model.inputs, model.input_layers, strict=True):
        made_by[symbol] = numbers[layer] = len(boxes)
        boxes.append(_box(layer)._replace(output_shapes=[symbol.shape]))
    for call in model.steps:
        number = numbers.setdefault(call.operation, len(boxes))
        if number == len(boxes):
            boxes.append(_box(call.operation))
        box = boxes[number]
        box.origins.extend(made_by[x] for x in call.inputs if x in made_by and made_by[x] not in box.origins)
        box.input_shapes.extend(x.shape for x in call.inputs)
        box.output_shapes.extend(x.shape for x in call.outputs)
        made_by.update(dict.fromkeys(call.outputs, number))
    return boxes


def _box(operation: Any) -> Box:
    kind = type(operation).__name__
    return Box(operation, operation.name, operation.name if kind == "Operation" else kind, [], [], [])
