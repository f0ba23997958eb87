"""Functional models as plain data, in Keras' form, and back.

A layer's entry lists its calls; a symbol is named by [layer, number of the call, number of the output].
Where outputs of the model are named, calls of a functional model inside are counted from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core import registry, tree
from pycnn.core.arguments import as_int, checked_name
from pycnn.core.operations import plain
from pycnn.core.operations.base import Operation
from pycnn.core.rows import Rows, whole_of
from pycnn.core.symbolic import KerasTensor
from pycnn.models.model import Model
from pycnn.models.sequential import Sequential

if TYPE_CHECKING:
    from pycnn.core.layer import Layer

    Key: TypeAlias = tuple[str, int]  # a layer's name and the number of its call
    End: TypeAlias = tuple[str, int, int]  # and the number of the output

_SYMBOL, _CONSTANT = "__keras_tensor__", "__tensor__"
_AXIS_OF_ROWS = "axis_of_rows"  # of a symbol that a layer takes as rows of all samples


# --- to data ------------------------------------------------------------------------------------------------
def model_config(model: Model) -> dict[str, Any]:
    """Layers, their calls, and which of these are the model's inputs and outputs."""
    keys = call_keys(model)

    def symbol(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        if isinstance(leaf, Rows):
            described = symbol(leaf.whole)
            return described | {"config": described["config"] | {_AXIS_OF_ROWS: leaf.at}}
        if leaf.constant is not None:
            return {"class_name": _CONSTANT, "config": {"value": leaf.constant.tolist(), "dtype": leaf.dtype}}
        if leaf.variable is not None:
            raise ValueError(
                f"Model {model.name!r} computes with the weight {leaf.variable.path!r} outside of a layer, "
                f"which no file can describe; put it into a layer of your own with a `call`"
            )
        if leaf.seed is not None:
            raise ValueError(
                f"Model {model.name!r} draws random numbers outside of a layer, which no file can describe; "
                f"put them into a layer of your own with a `call`"
            )
        config = {"shape": list(leaf.shape), "dtype": leaf.dtype, "keras_history": list(keys[leaf])}
        return {"class_name": _SYMBOL, "config": config}

    calls: dict[str, list[Any]] = {operation.name: [] for operation in model.operations}
    for step in model.steps:
        args, kwargs = step.arguments if step.arguments is not None else ((list(step.inputs),), {})
        kwargs = dict(kwargs) | ({} if step.training is None else {"training": step.training})
        calls[step.operation.name].append(
            {
                "args": [tree.transformed(symbol, _one_input(step.operation, arg)) for arg in args],
                "kwargs": {key: tree.transformed(symbol, value) for key, value in kwargs.items()},
            }
        )
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": [
            _described(model, operation) | {"name": operation.name, "inbound_nodes": calls[operation.name]}
            for operation in model.operations
        ],
        "input_layers": _ends(model.inputs, model._source_structure, keys),
        "output_layers": _ends(model.outputs, model._target_structure, _counted_from_one(keys)),
    }


def _counted_from_one(keys: Mapping[KerasTensor, End]) -> dict[KerasTensor, End]:
    """The same, with calls of functional models counted from 1."""
    return {
        symbol: (name, number + (symbol.node is not None and _is_functional(symbol.node.operation)), index)
        for symbol, (name, number, index) in keys.items()
    }


def _one_input(operation: Any, arg: Any) -> Any:
    """A list of one input as that input, unless the operation takes lists only."""
    single = isinstance(arg, (list, tuple)) and len(arg) == 1 and not getattr(operation, "takes_list", False)
    return arg[0] if single else arg


def _ends(symbols: list[KerasTensor], structure: Any, keys: Mapping[KerasTensor, End]) -> Any:
    if len(symbols) == 1 and not isinstance(structure, dict):
        return list(keys[symbols[0]])
    return tree.transformed(lambda symbol: list(keys[symbol]), structure)


def call_keys(model: Model) -> dict[KerasTensor, End]:
    """For each symbol of a model: the name of the layer it came from, the numbers of that call and output."""
    keys: dict[KerasTensor, End] = {}
    for source, layer in zip(model.inputs, model.input_layers, strict=True):
        keys[source] = (layer.name, 0, 0)
    counts: dict[str, int] = {}
    for step in model.steps:
        number = counts.get(step.operation.name, 0)
        counts[step.operation.name] = number + 1
        for index, output in enumerate(step.outputs):
            keys[output] = (step.operation.name, number, index)
    return keys


def _described(model: Model, operation: Any) -> dict[str, Any]:
    if isinstance(operation, Operation):
        return plain.serialize(operation)
    if not hasattr(operation, "serialize"):
        raise ValueError(
            f"Model {model.name!r} cannot be described: {operation.name!r} is a function of keras.ops or an "
            f"activation called between layers. Put it into a layer (of keras.layers, or a class of your own "
            f"with a `call`); or use `save_weights`"
        )
    described: dict[str, Any] = operation.serialize()
    return described


def _is_functional(operation: Any) -> bool:
    return isinstance(operation, Model) and not isinstance(operation, Sequential) and not operation.has_parts


# --- from data ----------------------------------------------------------------------------------------------
def symbols_of(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """The inputs and the outputs of new layers, called as `model_config` says, in their structure.

    Raises:
        ValueError: if the data does not describe a model.
    """
    layers, waiting = _layers_and_calls(config)
    shifts = _shifts(layers, waiting, config)
    made: dict[Key, list[KerasTensor]] = {}
    _make(layers, waiting, made)

    def end(name: str, history: Any) -> KerasTensor:
        key, index = _key(history)
        key = key[0], key[1] - shifts.get(key[0], 0)
        if key not in made or index >= len(made[key]):
            raise ValueError(f"`{name}` is {history!r:.200}; expected calls of layers: [[name, 0, 0]]")
        return made[key][index]

    def ends(name: str) -> Any:
        history = config.get(name)
        if isinstance(history, Mapping):
            return {key: end(name, item) for key, item in history.items()}
        if isinstance(history, list) and history and all(isinstance(item, list) for item in history):
            found = [end(name, item) for item in history]
            return found[0] if len(found) == 1 else found
        return end(name, history)

    return ends("input_layers"), ends("output_layers")


def _layers_and_calls(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[Key, Any]]:
    """The layers and functions by name, and what each of their calls was given."""
    entries = config.get("layers")
    if not isinstance(entries, list):
        raise ValueError(f"The configuration of a Model needs a list `layers`, not {entries!r:.100}")
    found: dict[str, Any] = {}
    calls: dict[Key, Any] = {}
    for entry in entries:
        layer = plain.deserialize(entry) if plain.is_operation(entry) else registry.deserialize_layer(entry)
        if isinstance(entry.get("name"), str):  # classes of one's own need not take a name
            layer.name = checked_name(entry["name"])
        if layer.name in found:
            raise ValueError(f"The name {layer.name!r} is used by several layers of the model")
        found[layer.name] = layer
        nodes = entry.get("inbound_nodes", [])
        if not isinstance(nodes, list):
            raise ValueError(f"`inbound_nodes` of layer {layer.name!r} is {nodes!r:.200}; expected a list")
        for number, node in enumerate(nodes or [None]):
            calls[layer.name, number] = _arguments(layer.name, node)
    # In files of Keras 2 calls of models inside are counted from 1.
    first = _lowest(reference[0] for call in calls.values() for reference in _references(call))
    first = {name: first.get(name, 0) for name, layer in found.items() if isinstance(layer, Model)}
    return found, {(name, number + first.get(name, 0)): call for (name, number), call in calls.items()}


def _shifts(
    layers: Mapping[str, Layer], calls: Mapping[Key, Any], config: Mapping[str, Any]
) -> dict[str, int]:
    """How much higher the calls of models inside are numbered where they are outputs than elsewhere."""
    first = _lowest(calls)
    of_outputs = _lowest(_key(end)[0] for end in _leaves(config.get("output_layers")))
    shifts = {}
    for name, number in of_outputs.items():
        if isinstance(layers.get(name), Model):
            counted_from = min(number, 1) if _is_functional(layers[name]) else first[name] or number
            shifts[name] = counted_from - first[name]
    return shifts


def _lowest(keys: Iterable[Key]) -> dict[str, int]:
    """The lowest number of a call for each layer."""
    found: dict[str, int] = {}
    for name, number in keys:
        found[name] = min(found.get(name, number), number)
    return found


def _leaves(ends: Any) -> Iterable[Any]:
    """The ends in a structure of them."""
    if isinstance(ends, Mapping):
        ends = list(ends.values())
    if isinstance(ends, list) and ends and not isinstance(ends[0], str):
        for end in ends:
            yield from _leaves(end)
    else:
        yield ends


class _Reference(tuple[Any, int]):
    """The key of a call and the number of its output, in the place of a symbol."""

    axis_of_rows: int | None = None


def _arguments(name: str, node: Any) -> Any:
    """What a layer was called on, with references for symbols: (args, kwargs); None for an Input."""
    if node is None:
        return None
    args, kwargs = (node.get("args"), node.get("kwargs", {})) if isinstance(node, Mapping) else (None, None)
    if not isinstance(args, list) or len(args) < 1 or not isinstance(kwargs, Mapping):
        raise ValueError(f"Layer {name!r} has a call {node!r:.200}; expected `args` with one entry")
    arguments = _referring(list(args)), _referring(dict(kwargs))
    if args != [[]] and not any(True for _ in _references(arguments)):
        raise ValueError(f"Layer {name!r} has a call on {args[0]!r:.200}, which is no symbol")
    return arguments


def _referring(structure: Any) -> Any:
    if isinstance(structure, Mapping):
        if structure.get("class_name") == _SYMBOL:
            config = structure.get("config")
            if not isinstance(config, Mapping):
                raise ValueError(f"{structure!r:.200} is no symbol; expected `config`")
            reference = _Reference(_key(config.get("keras_history")))
            axis = config.get(_AXIS_OF_ROWS)
            if axis is not None:
                reference.axis_of_rows = as_int(_AXIS_OF_ROWS, axis, 0)
            return reference
        if structure.get("class_name") == _CONSTANT:
            return _constant(structure.get("config"))
        if "class_name" in structure:
            raise ValueError(f"{structure!r:.200} is no symbol; expected class_name {_SYMBOL!r}")
        return {key: _referring(value) for key, value in structure.items()}
    if isinstance(structure, list):
        return [_referring(item) for item in structure]
    return structure


def _constant(config: Any) -> Any:
    value = config.get("value") if isinstance(config, Mapping) else None
    try:
        return np.array(value, np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r:.200} is no array of numbers") from None


def _references(structure: Any) -> Iterable[_Reference]:
    if isinstance(structure, _Reference):
        yield structure
    elif isinstance(structure, Mapping):
        for value in structure.values():
            yield from _references(value)
    elif isinstance(structure, (list, tuple)):
        for value in structure:
            yield from _references(value)


def _key(history: Any) -> tuple[Key, int]:
    match history:
        case [str(name), int(number), int(index)] if index >= 0:
            return (name, number), index
    raise ValueError(f"{history!r:.200} names no call of a layer; expected [name, 0, 0]")


def _make(layers: Mapping[str, Layer], calls: Mapping[Key, Any], made: dict[Key, list[KerasTensor]]) -> None:
    """Calls the layers, each call after those it needs and after the layer's earlier ones."""
    needed_by: dict[Key, list[Key]] = {}
    missing: dict[Key, int] = {}
    for key, arguments in calls.items():
        needs = {reference[0] for reference in _references(arguments)}
        needs |= {(key[0], key[1] - 1)} & calls.keys()
        missing[key] = len(needs)
        for need in needs:
            needed_by.setdefault(need, []).append(key)
    ready = [key for key, count in missing.items() if count == 0]
    for key in ready:
        made[key] = _called(layers[key[0]], calls[key], made)
        for user in needed_by.get(key, ()):
            missing[user] -= 1
            if missing[user] == 0:
                ready.append(user)
    if len(ready) < len(calls):
        lost = sorted({name for name, number in calls.keys() - made.keys()})
        raise ValueError(f"Layers whose inputs are not there, or go in a circle: {', '.join(lost)!s:.300}")


def _called(layer: Layer, arguments: Any, made: Mapping[Key, list[KerasTensor]]) -> list[KerasTensor]:
    if arguments is None:
        return [layer.output]

    def symbol(structure: Any) -> Any:
        if isinstance(structure, _Reference):
            key, index = structure
            if index >= len(made[key]):
                raise ValueError(f"{[*key, index]!r:.200} names no call of a layer: it has no output {index}")
            found, axis = made[key][index], structure.axis_of_rows
            if axis is not None and not axis < found.ndim - 1:
                raise ValueError(f"{[*key, index]!r:.200} has no axis {axis} of rows")
            return found if axis is None else Rows(found, axis)
        if isinstance(structure, Mapping):
            return {key: symbol(value) for key, value in structure.items()}
        return [symbol(item) for item in structure] if isinstance(structure, list) else structure

    args, kwargs = arguments
    if kwargs.get("mask", True) is None:  # as Keras writes it
        kwargs = {key: value for key, value in kwargs.items() if key != "mask"}
    if not isinstance(kwargs.get("training"), (bool, type(None))):
        raise ValueError(f"Layer {layer.name!r} was called with training={kwargs['training']!r:.100}")
    return [whole_of(x) for x in tree.flatten(layer(*symbol(args), **symbol(kwargs)))]
