"""Classes of layers and models by Keras' name, and what describes objects of other packages.

The packages that define them say so when they are imported; their modules are imported when they are needed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pycnn.core import serialization
from pycnn.core.custom_objects import custom_object_scope

if TYPE_CHECKING:
    from pycnn.core.layer import Layer


class _Layers(Mapping[str, "type[Layer]"]):
    """What a description of a layer or model may name."""

    def __init__(self) -> None:
        self._packages: dict[str, tuple[str, str]] = {}  # package, and the class's name in it

    def add(self, package: str, classes: Mapping[str, str]) -> None:
        self._packages.update({name: (package, cls) for name, cls in classes.items()})

    def __getitem__(self, name: str) -> type[Layer]:
        package, cls = self._packages[name]
        return getattr(sys.modules[package], cls)  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packages)

    def __len__(self) -> int:
        return len(self._packages)


_layers = _Layers()
_modules: dict[str, str] = {}  # by package, such as 'losses'


def add_layers(package: str, classes: Mapping[str, str]) -> None:
    """Makes classes known.

    Args:
        package: that has them as attributes.
        classes: their names in it, by the names in descriptions.
    """
    _layers.add(package, classes)


def layer_class(name: str) -> Callable[..., Layer]:
    """The class of a name that is known."""
    return _layers[name]


def deserialize_layer(config: Any, named: Callable[[str], Any] | None = None) -> Layer:
    """The layer or model that `serialize` described; only known classes can come out.

    Args:
        config: the description.
        named: gives what stands for a layer for the name of one of Keras' functions; None for nothing.
    """
    return serialization.deserialize(config, _layers, "layer", named, "keras.layers")  # type: ignore[no-any-return]


def resolved(package: str, value: Any) -> Any:
    """The object of 'initializers', 'regularizers' or 'constraints' for a name, an object or a function."""
    return None if value is None else _module(package).get(value)


def described(package: str, value: Any) -> Any:
    """An object of such a package as plain data; None for None."""
    return None if value is None else _module(package).serialize(value)


# --- objects of all kinds -----------------------------------------------------------------------------------
def add_package(package: str) -> None:
    """Makes known that a package has a module `registry` with `get`, `serialize` and `deserialize`.

    Args:
        package: its full name.
    """
    _modules[package.removeprefix("pycnn.")] = f"{package}.registry"


def _module(package: str) -> Any:
    return importlib.import_module(_modules[package])


def serialize_keras_object(obj: Any) -> Any:
    """A layer, model, loss, optimizer, ... as plain data, in Keras' form.

    Args:
        obj: an object of Keras' classes or of classes derived from them; a function of `keras.activations`;
            plain data, or a list or dict of all these.

    Returns:
        A dict with `module`, `class_name`, `config` and `registered_name`; plain data as it is.

    Raises:
        TypeError: if there is no description of such an object.

    Example:
        >>> import pycnn as keras
        >>> keras.saving.serialize_keras_object(keras.regularizers.L2(0.5))["config"]
        {'l2': 0.5}
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, (list, tuple)):
        return [serialize_keras_object(item) for item in obj]
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if hasattr(obj, "serialize"):
        return obj.serialize()
    package = _package_of(obj)
    if package is not None:
        return _module(package).serialize(obj)
    if hasattr(obj, "get_config"):
        return serialization.serialize(obj, "keras")
    if callable(obj):
        return serialization.serialize_function(obj)
    raise TypeError(f"{obj!r:.200} cannot be described; expected an object with a `get_config`")


def _package_of(obj: Any) -> str | None:
    """The package that an object's class, one of its bases, or a function is defined in."""
    modules = [cls.__module__ for cls in type(obj).__mro__] if hasattr(obj, "get_config") else []
    for module in [*modules, getattr(obj, "__module__", None) or ""]:
        top, _, rest = module.partition(".")
        if top == "pycnn" and (package := rest.partition(".")[0]) in _modules:
            return package
    return "activations" if _module("activations").is_known(obj) else None


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """The object that `serialize_keras_object` described. Nothing is executed.

    Args:
        config: plain data.
        custom_objects: dict from names to classes and functions of your own; None for registered ones alone.
        safe_mode: only True; there is no other.

    Returns:
        A new object; plain data as it is.

    Raises:
        TypeError, ValueError: if the data describes no object of pycnn, and none that has been made known.

    Example:
        >>> import pycnn as keras
        >>> config = keras.saving.serialize_keras_object(keras.losses.MeanSquaredError())
        >>> keras.saving.deserialize_keras_object(config)
        <MeanSquaredError name=mean_squared_error>
    """
    if not safe_mode:
        raise ValueError("`safe_mode` can only be True: nothing in a file is executed")
    with custom_object_scope(custom_objects):
        return _deserialized(config)


def _deserialized(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return [_deserialized(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: _deserialized(value) for key, value in config.items()}
    module = str(config.get("module") or "")
    package = module.removeprefix("keras.src.").removeprefix("keras.").partition(".")[0]
    if module.startswith("keras.") and package in _modules:
        return _module(package).deserialize(config)
    return serialization.deserialize(config, _layers, "object", package="keras.layers")
