"""Attributes of operations as data that JSON has, in Keras' form, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pycnn.core import tree
from pycnn.core.arguments import checked_name
from pycnn.core.names import snake_case, unknown
from pycnn.core.operations.base import FUNCTIONS, Operation

_SLICE, _ELLIPSIS, _TUPLE = "__slice__", "__ellipsis__", "__tuple__"


def plain(x: Any) -> Any:
    """An attribute as plain data."""
    if isinstance(x, dict):
        return {key: plain(item) for key, item in x.items()}
    if isinstance(x, tuple):
        return {"class_name": _TUPLE, "items": [plain(item) for item in x]}
    if isinstance(x, list):
        return [plain(item) for item in x]
    if isinstance(x, slice):
        config = {"start": plain(x.start), "stop": plain(x.stop), "step": plain(x.step)}
        return {"class_name": _SLICE, "config": config}
    if x is Ellipsis:
        return {"class_name": _ELLIPSIS, "config": {}}
    return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x


def restored(x: Any) -> Any:
    """What `plain` described."""
    if isinstance(x, list):
        return [restored(item) for item in x]
    if not isinstance(x, dict):
        return x
    name = x.get("class_name")
    if name == _TUPLE:
        return tuple(restored(item) for item in x["items"])
    if name == _SLICE:
        return slice(*(x["config"][part] for part in ("start", "stop", "step")))
    return Ellipsis if name == _ELLIPSIS else {key: restored(item) for key, item in x.items()}


class Restored:
    """A function of `keras.ops` that a file names, with its attributes: its call makes an operation.

    Args:
        name: of the operation.
        function: in `keras.ops`.
        attributes: its arguments but for the operands.
    """

    def __init__(self, name: str, function: str, attributes: dict[str, Any]) -> None:
        self.name = name
        self._function = FUNCTIONS[function]
        self._attributes = attributes

    def __call__(self, *operands: Any, **others: Any) -> Any:
        result = self._function(*operands, **others, **self._attributes)
        for symbol in tree.flatten(result):
            symbol.node.operation.name = self.name
        return result


def serialize(operation: Operation) -> dict[str, Any]:
    """A call of a function of `keras.ops` as plain data, in Keras' form: `Add` for `add`."""
    name = "".join(part[:1].upper() + part[1:] for part in operation.function.name.split("_"))
    config = {"name": operation.name, **plain(operation.attributes)}
    return {"module": "keras.src.ops.numpy", "class_name": name, "config": config, "registered_name": name}


def is_operation(data: Any) -> bool:
    """Whether plain data describes a function of `keras.ops`."""
    return isinstance(data, Mapping) and str(data.get("module")).startswith("keras.src.ops.")


def deserialize(data: Mapping[str, Any]) -> Restored:
    """What `serialize` described.

    Raises:
        ValueError: if there is no such function.
    """
    function, config = snake_case(str(data.get("class_name"))), data.get("config")
    if function not in FUNCTIONS:
        raise unknown("function of keras.ops", function, FUNCTIONS)
    if not isinstance(config, Mapping):
        raise ValueError(f"The function {function!r} has no `config` dict: {config!r:.200}")
    attributes = {key: restored(value) for key, value in config.items() if key not in ("name", "dtype")}
    return Restored(checked_name(config.get("name", function)), function, attributes)


def config_of(function: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """A function and its attributes as plain data."""
    return {"function": function, "attributes": plain(attributes)}


def from_config(config: dict[str, Any]) -> Callable[..., Any]:
    """The function of operands that `config_of` described; those of `pycnn.ops` where that is loaded.

    Raises:
        ValueError: if there is no such function.
    """
    name = config.get("function")
    if name not in FUNCTIONS:
        raise ValueError(f"there is no function {name!r:.80} in keras.ops")
    attributes = {key: restored(value) for key, value in config["attributes"].items()}
    return lambda *operands: FUNCTIONS[name](*operands, **attributes)
