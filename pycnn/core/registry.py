"""Classes of layers and models by Keras' name: what a description may name.

The packages that define them add them when they are imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pycnn.core import serialization

if TYPE_CHECKING:
    from pycnn.core.layer import Layer

_layers: dict[str, type[Layer]] = {}
_resolvers: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {}


def add_layers(classes: Mapping[str, type[Layer]]) -> None:
    """Makes these classes known."""
    _layers.update(classes)


def layer_class(name: str) -> Callable[..., Layer]:
    """The class of a name that is known."""
    return _layers[name]


def deserialize_layer(config: Any) -> Layer:
    """The layer or model that `serialize` described; only known classes can come out."""
    return serialization.deserialize(config, _layers, "layer")  # type: ignore[no-any-return]


def add_resolver(kind: str, get: Callable[[Any], Any], serialize: Callable[[Any], Any]) -> None:
    """Makes known what turns names of an initializer, regularizer or constraint into objects and back."""
    _resolvers[kind] = get, serialize


def resolved(kind: str, value: Any) -> Any:
    """The object for a name, an object or a function; None for None."""
    return None if value is None else _resolvers[kind][0](value)


def described(kind: str, value: Any) -> Any:
    """An object as plain data; None for None."""
    return None if value is None else _resolvers[kind][1](value)
