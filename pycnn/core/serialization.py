"""Objects to plain dictionaries and back, in Keras' form.

Only classes of a given table can come out, and classes and functions that the program itself made known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pycnn.core import custom_objects
from pycnn.core.names import unknown
from pycnn.core.refusal import refuse


def serialize(obj: Any, module: str) -> dict[str, Any]:
    """`obj` as {module, class_name, config, registered_name}; a class of one's own with its own module."""
    cls = type(obj)
    if not hasattr(obj, "get_config") or isinstance(obj, type):
        raise TypeError(f"{obj!r:.200} is no object with a `get_config`, and cannot be described")
    registered = custom_objects.get_registered_name(cls)
    return {
        "module": module if cls.__module__.startswith("pycnn.") else cls.__module__,
        "class_name": cls.__name__,
        "config": obj.get_config(),
        "registered_name": registered if registered != cls.__name__ else None,
    }


def serialize_function(function: Any) -> dict[str, Any]:
    """A function of one's own by its name, by which `custom_objects` or the registration finds it again."""
    name = getattr(function, "__name__", "")
    if not name.isidentifier():
        raise ValueError(f"{function!r:.200} cannot be described, as it has no name: write it with `def`")
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": custom_objects.get_registered_name(function),
    }


def deserialize(
    data: Any,
    classes: Mapping[str, Any],
    what: str,
    named: Callable[[str], Any] | None = None,
    package: str | None = None,
) -> Any:
    """The object that `serialize` described.

    Args:
        data: the description.
        classes: that may come out, by name.
        what: kind of the object, for messages.
        named: gives the object for the name of one of Keras' functions; None where functions do not stand for
            objects.
        package: of Keras that has such classes, whose refused names are told with what to use instead.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("class_name"), str):
        raise ValueError(
            f"Not the description of a {what}: {data!r:.200}. Expected a dict with `class_name`, `config`"
        )
    if data["class_name"] == "function":
        return _function(data, what, named)
    if data["class_name"] == "__lambda__":
        raise _lambda_refused(what)
    config = data.get("config")
    if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
        raise ValueError(f"The {what} {data['class_name']!r:.80} has no `config` dict: {config!r:.200}")
    own = custom_objects.found(data["class_name"], data.get("registered_name"))
    cls = own or (classes.get(data["class_name"]) if _is_of_keras(data) else None)
    if cls is None and str(data.get("module")).startswith(_FUNCTIONS):
        raise ValueError(
            f"The {what} {data['class_name']!r:.80} is a function of keras.ops called between layers, which "
            f"pycnn does not read from files; put it into a layer of your own, and use `load_weights`"
        )
    if cls is None:
        if package is not None and _is_of_keras(data):
            refuse(package, data["class_name"])
        raise unknown_class(what, data["class_name"], classes)
    if not hasattr(cls, "from_config"):
        raise ValueError(f"The {what} {data['class_name']!r:.80} is {cls!r:.200}, which has no `from_config`")
    return cls.from_config(dict(config))


def _is_of_keras(data: Mapping[str, Any]) -> bool:
    """Whether a description names a class of Keras, not another one of the same name."""
    module, name = data.get("module"), data.get("registered_name")
    own = isinstance(name, str) and ">" in name
    if str(module).startswith(_FUNCTIONS):
        return False
    return not own and (module is None or str(module).partition(".")[0] in _PACKAGES)


_FUNCTIONS = ("keras.src.ops", "keras.ops")
_PACKAGES = ("keras", "builtins", "pycnn", "tensorflow", "tf_keras")


def _function(data: Mapping[str, Any], what: str, named: Callable[[str], Any] | None) -> Any:
    name = data.get("config")
    function = custom_objects.found(name, data.get("registered_name")) if isinstance(name, str) else None
    if function is None and named is not None and isinstance(name, str) and _is_of_keras(data):
        return named(name)
    if function is None:
        raise unknown_class(what, name, ())
    return function


def _lambda_refused(what: str) -> ValueError:
    return ValueError(
        f"Requested the deserialization of a Python lambda as {what}. This carries a potential risk of "
        f"arbitrary code execution and thus it is disallowed: nothing in a file is executed. Write it with "
        f"`def` and give it by custom_objects={{...}}"
    )


def unknown_class(what: str, name: object, known: Any) -> ValueError:
    """The error for a class or function that a description names, and nobody has made known."""
    hint = (
        "; one of your own is made known by keras.saving.register_keras_serializable() or by "
        f"custom_objects={{{name!r}: ...}}"
    )
    return ValueError(f"{unknown(what, name, known)}{hint}")


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
