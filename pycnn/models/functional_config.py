"""Functional models as plain data, in Keras' form, and back.

A layer's entry lists its calls; a symbol is named by [layer, number of the call, 0].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core import registry
from pycnn.core.symbolic import KerasTensor

if TYPE_CHECKING:
    from pycnn.core.layer import Layer
    from pycnn.models.model import Model

    Key: TypeAlias = tuple[str, int]  # a layer's name and the number of its call

_SYMBOL = "__keras_tensor__"


# --- to data ------------------------------------------------------------------------------------------------
def model_config(model: Model) -> dict[str, Any]:
    """Layers, their calls, and which of these are the model's input and output."""
    keys = call_keys(model)

    def symbol(tensor: KerasTensor) -> dict[str, Any]:
        history = [*keys[tensor], 0]
        config = {"shape": list(tensor.shape), "dtype": tensor.dtype, "keras_history": history}
        return {"class_name": _SYMBOL, "config": config}

    calls: dict[str, list[Any]] = {layer.name: [] for layer in model.layers}
    for step in model.steps:
        symbols = [symbol(tensor) for tensor in step.inputs]
        arguments = symbols if len(symbols) == 1 else [symbols]
        calls[step.layer.name].append({"args": arguments, "kwargs": {}})
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": [
            layer.serialize() | {"name": layer.name, "inbound_nodes": calls[layer.name]}
            for layer in model.layers
        ],
        "input_layers": [*keys[model.input], 0],
        "output_layers": [*keys[model.output], 0],
    }


def call_keys(model: Model) -> dict[KerasTensor, Key]:
    """For each symbol of a model, the name of the layer it came from and the number of that call."""
    keys = {model.input: (model.input_layer.name, 0)}
    counts: dict[str, int] = {}
    for step in model.steps:
        number = counts.get(step.layer.name, 0)
        counts[step.layer.name] = number + 1
        keys[step.output] = (step.layer.name, number)
    return keys


# --- from data ----------------------------------------------------------------------------------------------
def symbols_of(config: Mapping[str, Any]) -> tuple[KerasTensor, KerasTensor]:
    """The input and the output of new layers, called as `model_config` says.

    Raises:
        ValueError: if the data does not describe a model with one input and one output.
    """
    layers, waiting = _layers_and_calls(config)
    made: dict[Key, KerasTensor] = {}
    _make(layers, waiting, made)
    ends = []
    for name in ("input_layers", "output_layers"):
        history = config.get(name)
        if isinstance(history, list) and len(history) == 1:
            history = history[0]
        key = _key(history)
        if key not in made:
            raise ValueError(f"`{name}` is {history!r:.200}; expected one call of a layer: [[name, 0, 0]]")
        ends.append(made[key])
    return ends[0], ends[1]


def _layers_and_calls(config: Mapping[str, Any]) -> tuple[dict[str, Layer], dict[Key, Any]]:
    """The layers by name, and what each of their calls was given."""
    entries = config.get("layers")
    if not isinstance(entries, list):
        raise ValueError(f"The configuration of a Model needs a list `layers`, not {entries!r:.100}")
    found: dict[str, Layer] = {}
    calls: dict[Key, Any] = {}
    for entry in entries:
        layer = registry.deserialize_layer(entry)
        if layer.name in found:
            raise ValueError(f"The name {layer.name!r} is used by several layers of the model")
        found[layer.name] = layer
        nodes = entry.get("inbound_nodes", [])
        if not isinstance(nodes, list):
            raise ValueError(f"`inbound_nodes` of layer {layer.name!r} is {nodes!r:.200}; expected a list")
        for number, node in enumerate(nodes or [None]):
            calls[layer.name, number] = _arguments(layer.name, node)
    return found, calls


def _arguments(name: str, node: Any) -> Any:
    """What a layer was called on: None for an Input, a key, or a list of keys."""
    if node is None:
        return None
    args, kwargs = (node.get("args"), node.get("kwargs", {})) if isinstance(node, Mapping) else (None, None)
    if not isinstance(args, list) or len(args) != 1 or not isinstance(kwargs, Mapping):
        raise ValueError(f"Layer {name!r} has a call {node!r:.200}; expected `args` with one entry")
    for key, value in kwargs.items():
        if value is not None:
            raise ValueError(f"Layer {name!r} was called with {key}={value!r:.100}, which is not supported")
    return [_symbol_key(item) for item in args[0]] if isinstance(args[0], list) else _symbol_key(args[0])


def _symbol_key(symbol: Any) -> Key:
    config = symbol.get("config") if isinstance(symbol, Mapping) else None
    if not isinstance(config, Mapping) or symbol.get("class_name") != _SYMBOL:
        raise ValueError(f"{symbol!r:.200} is no symbol; expected class_name {_SYMBOL!r}")
    return _key(config.get("keras_history"))


def _key(history: Any) -> Key:
    match history:
        case [str(name), int(number), 0]:
            return name, number
    raise ValueError(f"{history!r:.200} names no call of a layer; expected [name, 0, 0]")


def _make(layers: Mapping[str, Layer], calls: Mapping[Key, Any], made: dict[Key, KerasTensor]) -> None:
    """Calls the layers, each call behind those it needs and behind the layer's earlier ones."""
    needed_by: dict[Key, list[Key]] = {}
    missing: dict[Key, int] = {}
    for key, arguments in calls.items():
        needs = set(_keys(arguments)) | ({(key[0], key[1] - 1)} if key[1] else set())
        missing[key] = len(needs)
        for need in needs:
            needed_by.setdefault(need, []).append(key)
    ready = [key for key, count in missing.items() if count == 0]
    for key in ready:
        made[key] = _called(layers[key[0]], calls[key], made.__getitem__)
        for user in needed_by.get(key, ()):
            missing[user] -= 1
            if missing[user] == 0:
                ready.append(user)
    if len(ready) < len(calls):
        lost = sorted({name for name, number in calls.keys() - made.keys()})
        raise ValueError(f"Layers whose inputs are not there, or go in a circle: {', '.join(lost)!s:.300}")


def _keys(arguments: Any) -> Iterable[Key]:
    return () if arguments is None else arguments if isinstance(arguments, list) else (arguments,)


def _called(layer: Layer, arguments: Any, symbol: Callable[[Key], KerasTensor]) -> KerasTensor:
    if arguments is None:
        return layer.output
    inputs = [symbol(key) for key in arguments] if isinstance(arguments, list) else symbol(arguments)
    return layer(inputs)  # type: ignore[no-any-return]
