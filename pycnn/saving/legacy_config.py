"""Configurations as Keras 2 wrote them in the form of Keras 3: data in, data out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def current_form(described: Any) -> Any:
    """A model's configuration, or that of a training, with today's names of arguments and calls.

    Args:
        described: plain data; what has today's form already stays as it is.

    Raises:
        ValueError: if a call of a layer has another form than Keras 2 gave it.
    """
    if isinstance(described, list):
        return [current_form(item) for item in described]
    if not isinstance(described, Mapping):
        return described
    found = {key: current_form(value) for key, value in described.items()}
    config = found.get("config")
    if "module" in found or not isinstance(found.get("class_name"), str):
        return found
    if isinstance(config, list):  # a Sequential of Keras 2.2 and before
        config = {"name": "sequential", "layers": config}
    if isinstance(config, dict):
        found["config"] = _arguments(found["class_name"], dict(config))
    nodes = found.get("inbound_nodes")
    if isinstance(nodes, list):
        found["inbound_nodes"] = [_call(found.get("name"), node) for node in nodes]
    return found


# --- arguments ----------------------------------------------------------------------------------------------
def _arguments(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    shape = config.pop("batch_input_shape", None)
    if shape is not None:
        config["batch_shape" if class_name == "InputLayer" else "batch_input_shape"] = shape
    change = _CHANGES.get(class_name)
    return config if change is None else change(config)


def _without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda config: {key: value for key, value in config.items() if key not in names}


def _input(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in ("sparse", "ragged") or value}


def _batch_norm(config: dict[str, Any]) -> dict[str, Any]:
    axis = config.get("axis")
    if isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    return {
        key: value for key, value in config.items() if key not in ("virtual_batch_size", "fused") or value
    }


def _leaky_relu(config: dict[str, Any]) -> dict[str, Any]:
    if "alpha" in config:
        config["negative_slope"] = _number(config.pop("alpha"))
    return config


def _relu(config: dict[str, Any]) -> dict[str, Any]:
    return {key: _number(value) for key, value in config.items()}


def _number(value: Any) -> Any:
    """A number, which Keras 2 sometimes wrote as a description of an array."""
    if isinstance(value, dict) and value.get("type") == "ndarray":
        return value.get("value")
    return value


_INITIALIZER = _without("dtype")
_CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "InputLayer": _input,
    "BatchNormalization": _batch_norm,
    "DepthwiseConv2D": _without("groups"),
    "SeparableConv2D": _without(
        "groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"
    ),
    "LeakyReLU": _leaky_relu,
    "ReLU": _relu,
} | dict.fromkeys(
    (
        "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "LecunNormal",
        "LecunUniform", "Ones", "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal",
        "VarianceScaling", "Zeros",
    ),
    _INITIALIZER,
)  # fmt: skip


# --- calls --------------------------------------------------------------------------------------------------
def _call(layer: Any, node: Any) -> Any:
    """A call: [[name, number of the call, number of the output, further arguments], ...]."""
    if isinstance(node, Mapping):
        return node
    if not isinstance(node, list) or not node:
        raise ValueError(f"Layer {layer!r:.80} has a call {node!r:.200}, which is none")
    inputs: list[Any] = []
    kwargs: dict[str, Any] = {}
    for entry in [node] if isinstance(node[0], str) else node:
        match entry:
            case [str(name), int(number), int(index)]:
                pass
            case [str(name), int(number), int(index), dict(further)]:
                kwargs |= further
            case _:
                raise ValueError(f"Layer {layer!r:.80} has a call on {entry!r:.200}, which is no output")
        config = {"keras_history": [name, number, index]}
        inputs.append({"class_name": "__keras_tensor__", "config": config})
    return {"args": inputs if len(inputs) == 1 else [inputs], "kwargs": kwargs}
