"""Optimizers by name, and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycnn.core import registry, serialization
from pycnn.core.names import unknown
from pycnn.optimizers.adam import Adam, AdamW
from pycnn.optimizers.base import Optimizer
from pycnn.optimizers.rmsprop import RMSprop
from pycnn.optimizers.sgd import SGD

_CLASSES: dict[str, type[Optimizer]] = {"SGD": SGD, "RMSprop": RMSprop, "Adam": Adam, "AdamW": AdamW}


def get(identifier: Any) -> Optimizer:
    """The optimizer for a name, a class, an object or a description of one.

    Args:
        identifier: for instance 'adam', 'Adam', Adam, Adam(0.01) or `serialize`'s dict.

    Returns:
        An optimizer.

    Raises:
        ValueError: if there is no such optimizer.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.get("sgd")
        <SGD learning_rate=0.01>
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()  # type: ignore[call-arg]
    for name, cls in _CLASSES.items():
        if isinstance(identifier, str) and identifier.lower() == name.lower():
            return cls()  # type: ignore[call-arg]
    raise unknown("optimizer", identifier, [name.lower() for name in _CLASSES])


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """A description of an optimizer, without its state, as plain data."""
    return serialization.serialize(optimizer, "keras.optimizers")


def deserialize(config: Any) -> Optimizer:
    """The optimizer that `serialize` described."""
    return serialization.deserialize(config, _CLASSES, "optimizer")  # type: ignore[no-any-return]


registry.add_package("optimizers", serialize, deserialize)
