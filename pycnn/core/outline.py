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
    inside: str = ""  # names of the models that it is inside of, where these are drawn by their layers


def outline(model: Any, expand_nested: bool = False) -> list[Box]:
    """The boxes of a model, in the order in which they run.

    Layers of a model of one's own class, whose `call` has not been traced, have no origins.

    Args:
        model: that is built.
        expand_nested: whether the layers of models inside have boxes, in the place of one for each model.
    """
    if not model.steps:
        return [_box(layer, 1, [], [], []) for layer in model.layers]
    boxes: list[Box] = []
    starts = []
    for symbol, layer in zip(model.inputs, model.input_layers, strict=True):
        starts.append([len(boxes)])
        boxes.append(_box(layer, 1, [], [], [symbol]))
    _add_calls(boxes, model, starts, expand_nested, "")
    return boxes


def _add_calls(
    boxes: list[Box], model: Any, starts: list[list[int]], expand_nested: bool, inside: str
) -> list[list[int]]:
    """Adds the calls of a model.

    Args:
        boxes: to which they are added.
        model: that has calls.
        starts: for each input, the numbers of the boxes that make it.
        expand_nested: see `outline`.
        inside: names of the models around.

    Returns:
        For each output, the numbers of the boxes that make it.
    """
    made_by: dict[Any, list[int]] = dict(zip(model.inputs, starts, strict=True))
    counts: dict[Any, int] = {}
    for call in model.steps:
        counts[call.operation] = number = counts.get(call.operation, 0) + 1
        before = [made_by.get(x, []) for x in call.inputs]
        nested = call.operation if expand_nested and getattr(call.operation, "steps", None) else None
        if nested is not None and len(nested.inputs) == len(before):
            path = f"{inside}/{nested.name}" if inside else nested.name
            found = _add_calls(boxes, nested, before, True, path)
        else:
            origins = dict.fromkeys(i for numbers in before for i in numbers)
            found = [[len(boxes)]] * len(call.outputs)
            boxes.append(_box(call.operation, number, list(origins), call.inputs, call.outputs, inside))
        made_by.update(zip(call.outputs, found, strict=False))
    return [made_by.get(x, []) for x in model.outputs]


def _box(operation: Any, number: int, origins: list[int], inputs: Any, outputs: Any, inside: str = "") -> Box:
    kind = type(operation).__name__
    name = operation.name if number == 1 else f"{operation.name}_call_{number}"
    kind = operation.name if kind == "Operation" else kind
    return Box(operation, name, kind, origins, [x.shape for x in inputs], [x.shape for x in outputs], inside)
