"""Losses by name, and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycnn.core import custom_objects, registry, serialization
from pycnn.core.names import unknown
from pycnn.losses.base import FunctionLoss, Loss
from pycnn.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from pycnn.losses.regression import MeanSquaredError, mean_squared_error

_CLASSES: dict[str, type[Loss]] = {
    cls.__name__: cls
    for cls in (BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy)
}
_NAMES: dict[str, type[Loss]] = {str(cls.kind): cls for cls in _CLASSES.values()} | {"mse": MeanSquaredError}
_FUNCTIONS = {
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    binary_crossentropy: BinaryCrossentropy,
    mean_squared_error: MeanSquaredError,
}


def get(identifier: Any) -> Loss | None:
    """The loss for a name, a function of `keras.losses`, a class, an object, a description of one, or None.

    Args:
        identifier: for instance 'mse', mean_squared_error, MeanSquaredError or MeanSquaredError().

    Returns:
        A loss, or None for None.

    Raises:
        ValueError: if there is no such loss.

    Example:
        >>> import pycnn as keras
        >>> keras.losses.get("mse")
        <MeanSquaredError name=mean_squared_error>
    """
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, str):
        own = custom_objects.found(identifier, None)
        if own is not None:
            return get(own)
        cls = _NAMES.get(identifier.lower()) or _CLASSES.get(identifier)
    elif isinstance(identifier, type):
        cls = identifier if issubclass(identifier, Loss) else None
    elif callable(identifier):
        cls = _FUNCTIONS.get(identifier)
        if cls is None:
            return FunctionLoss(identifier)
    else:
        cls = None
    if cls is None:
        raise unknown("loss", identifier, _NAMES)
    return cls()


def serialize(loss: Loss) -> dict[str, Any]:
    """A description of a loss as plain data."""
    if isinstance(loss, FunctionLoss):
        return serialization.serialize_function(loss.function)
    return serialization.serialize(loss, "keras.losses")


def deserialize(config: Any) -> Loss:
    """The loss that `serialize` described."""
    found = serialization.deserialize(config, _CLASSES, "loss", get)
    return found if isinstance(found, Loss) else FunctionLoss(found)


registry.add_package("losses", serialize, deserialize)
