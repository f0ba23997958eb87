"""Attributes of operations as data that JSON has, in Keras' form, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pycnn.core.operations.base import FUNCTIONS

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
