"""Losses by name, and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycnn.core import custom_objects as custom
from pycnn.core import serialization
from pycnn.core.names import unknown
from pycnn.core.refusal import refuse
from pycnn.losses.base import FormulaLoss, FunctionLoss, Loss
from pycnn.losses.crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    SparseCategoricalCrossentropy,
)
from pycnn.losses.distributions import (
    CategoricalGeneralizedCrossEntropy,
    Dice,
    KLDivergence,
    Poisson,
    Tversky,
)
from pycnn.losses.margins import CategoricalHinge, Hinge, SquaredHinge
from pycnn.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
)
from pycnn.losses.similarity import Circle

# Every loss once: its names and its function are its own.
CLASSES: tuple[type[FormulaLoss], ...] = (
    BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy, CategoricalHinge, Circle, CosineSimilarity, Dice, Hinge, Huber,
    KLDivergence, LogCosh, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
    MeanSquaredLogarithmicError, Poisson, SparseCategoricalCrossentropy, SquaredHinge, Tversky,
)  # fmt: skip
_BY_CLASS_NAME: dict[str, type[FormulaLoss]] = {cls.__name__: cls for cls in CLASSES}
_BY_NAME = {name: cls for cls in CLASSES for name in (cls.function.__name__, *cls.aliases)}
_BY_FUNCTION = {cls.function: cls for cls in CLASSES}


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
    cls: type[Loss] | None = None
    if isinstance(identifier, str):
        own = custom.found(identifier, None)
        if own is not None:
            return get(own)
        refuse("keras.losses", identifier)
        cls = _BY_NAME.get(identifier) or _BY_NAME.get(identifier.lower()) or _BY_CLASS_NAME.get(identifier)
    elif isinstance(identifier, type):
        cls = identifier if issubclass(identifier, Loss) else None
    elif callable(identifier):
        cls = _BY_FUNCTION.get(identifier)
        if cls is None:
            return FunctionLoss(identifier)
    if cls is None:
        raise unknown("loss", identifier, _BY_NAME)
    return cls()


def serialize(loss: Loss) -> dict[str, Any]:
    """A description of a loss as plain data."""
    if isinstance(loss, FunctionLoss):
        return serialization.serialize_function(loss.function)
    return serialization.serialize(loss, "keras.losses")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Loss:
    """The loss that `serialize` described; `custom_objects` names classes and functions of your own."""
    with custom.custom_object_scope(custom_objects):
        found = serialization.deserialize(config, _BY_CLASS_NAME, "loss", get, "keras.losses")
    return found if isinstance(found, Loss) else FunctionLoss(found)
