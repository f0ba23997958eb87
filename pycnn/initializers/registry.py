"""Initializers by name, and as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pycnn.core import custom_objects, serialization
from pycnn.core.names import snake_case, unknown
from pycnn.initializers.base import Initializer
from pycnn.initializers.constants import Constant, Identity, Ones, Zeros
from pycnn.initializers.random import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from pycnn.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

_CLASSES: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (
        Constant,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        Identity,
        LecunNormal,
        LecunUniform,
        Ones,
        Orthogonal,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        VarianceScaling,
        Zeros,
    )
}
_NAMES = {snake_case(name): cls for name, cls in _CLASSES.items()}
_ALIASES: dict[str, type[Initializer]] = {
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "one": Ones,
    "zero": Zeros,
}


def get(identifier: Any) -> Callable[..., Any]:
    """The initializer for a name, a class, an object, a description of one, or any function of a shape.

    Args:
        identifier: for instance 'he_normal', 'HeNormal', HeNormal, HeNormal(seed=1) or `serialize`'s dict.

    Returns:
        A callable from a shape to an array.

    Raises:
        ValueError: if there is no such initializer.

    Example:
        >>> import pycnn as keras
        >>> keras.initializers.get("glorot_uniform")
        <GlorotUniform seed=None>
    """
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, str):
        own = custom_objects.found(identifier, None)
        if own is not None:
            return get(own)
        cls = _NAMES.get(identifier) or _CLASSES.get(identifier) or _ALIASES.get(identifier)
        if cls is None:
            raise unknown("initializer", identifier, _NAMES)
        return cls()
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if callable(identifier):
        return identifier  # type: ignore[no-any-return]
    raise unknown("initializer", identifier, _NAMES)


def serialize(initializer: Any) -> dict[str, Any]:
    """A description of an initializer as plain data; one of your own is described by its name."""
    if isinstance(initializer, type) or not hasattr(initializer, "get_config"):
        return serialization.serialize_function(initializer)
    return serialization.serialize(initializer, "keras.initializers")


def deserialize(config: Any) -> Initializer:
    """The initializer that `serialize` described."""
    return serialization.deserialize(config, _CLASSES, "initializer")  # type: ignore[no-any-return]
