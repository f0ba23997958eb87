"""Objects to plain dictionaries and back, in Keras' form. Only classes of a given table can come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycnn.core.names import unknown


def serialize(obj: Any, module: str) -> dict[str, Any]:
    """`obj` as {module, class_name, config, registered_name}."""
    return {
        "module": module,
        "class_name": type(obj).__name__,
        "config": obj.get_config(),
        "registered_name": None,
    }


def deserialize(data: Any, classes: Mapping[str, Any], what: str) -> Any:
    """The object that `serialize` described; `classes` has the classes that may come out, by name."""
    if not isinstance(data, Mapping) or not isinstance(data.get("class_name"), str):
        raise ValueError(
            f"Not the description of a {what}: {data!r:.200}. Expected a dict with `class_name`, `config`"
        )
    config = data.get("config")
    if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
        raise ValueError(f"The {what} {data['class_name']!r:.80} has no `config` dict: {config!r:.200}")
    cls = classes.get(data["class_name"])
    if cls is None:
        raise unknown(what, data["class_name"], classes)
    return cls.from_config(dict(config))


def dtype_name(dtype: Any) -> Any:
    """The name in a NumPy type or in Keras' dict of a DTypePolicy; anything else as it is."""
    if isinstance(dtype, Mapping):
        config = dtype.get("config")
        return config.get("name") if isinstance(config, Mapping) else dtype
    return dtype.__name__ if isinstance(dtype, type) else dtype


def checked_dtype(dtype: Any, owner: str) -> str:
    """'float32', the one dtype of what is no layer; as a name, NumPy type or Keras' DTypePolicy dict."""
    name = dtype_name(dtype)
    if name is None or str(name) == "float32":
        return "float32"
    raise ValueError(f"{owner}: dtype {dtype!r} is not supported; pycnn computes in 'float32'")
