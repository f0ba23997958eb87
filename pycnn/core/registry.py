"""Classes of layers and models by Keras' name: what a description may name.

The packages that define them add them when they are imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pycnn.core import serialization
from pycnn.core.custom_objects import custom_object_scope

if TYPE_CHECKING:
    from pycnn.core.layer import Layer

_layers: dict[str, type[Layer]] = {}
_packages: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {}
_owners: dict[str, Callable[[Any], bool]] = {}
_resolvers: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {}


def add_layers(classes: Mapping[str, type[Layer]]) -> None:
    """Makes these classes known."""
    _layers.update(classes)


def layer_class(name: str) -> Callable[..., Layer]:
    """The class of a name that is known."""
    return _layers[name]


def deserialize_layer(config: Any, named: Callable[[str], Any] | None = None) -> Layer:
    """The layer or model that `serialize` described; only known classes can come out.

    Args:
        config: the description.
        named: gives what stands for a layer for the name of one of Keras' functions; None for nothing.
    """
    return serialization.deserialize(config, _layers, "layer", named)  # type: ignore[no-any-return]


def add_resolver(kind: str, get: Callable[[Any], Any], serialize: Callable[[Any], Any]) -> None:
    """Makes known what turns names of an initializer, regularizer or constraint into objects and back."""
    _resolvers[kind] = get, serialize


def resolved(kind: str, value: Any) -> Any:
    """The object for a name, an object or a function; None for None."""
    return None if value is None else _resolvers[kind][0](value)


def described(kind: str, value: Any) -> Any:
    """An object as plain data; None for None."""
    return None if value is None else _resolvers[kind][1](value)


# --- objects of all kinds -----------------------------------------------------------------------------------
def add_package(
    name: str,
    serialize: Callable[[Any], Any],
    deserialize: Callable[[Any], Any],
    owns: Callable[[Any], bool] | None = None,
) -> None:
    """Makes known how the objects of a package, such as 'losses', are described.

    Args:
        name: of the package.
        serialize: makes plain data of an object.
        deserialize: the other way round.
        owns: whether a function that is defined elsewhere is the package's; None for no such function.
    """
    _packages[name] = serialize, deserialize
    if owns is not None:
        _owners[name] = owns


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
        return _packages[package][0](obj)
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
        if top == "pycnn" and (package := rest.partition(".")[0]) in _packages:
            return package
    return next((name for name, owns in _owners.items() if owns(obj)), None)


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
    if module.startswith("keras.") and package in _packages:
        return _packages[package][1](config)
    return serialization.deserialize(config, _layers, "object")
