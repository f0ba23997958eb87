"""Optimizers by name, and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycnn.core import custom_objects as custom
from pycnn.core import serialization
from pycnn.core.names import unknown
from pycnn.core.refusal import refuse
from pycnn.optimizers.adafactor import Adafactor
from pycnn.optimizers.adaptive_moments import Adam, Adamax, AdamW, Nadam
from pycnn.optimizers.adaptive_rates import Adadelta, Adagrad
from pycnn.optimizers.base import Optimizer
from pycnn.optimizers.ftrl import Ftrl
from pycnn.optimizers.gradient_descent import SGD
from pycnn.optimizers.lamb import Lamb
from pycnn.optimizers.lion import Lion
from pycnn.optimizers.muon import Muon
from pycnn.optimizers.root_mean_square import RMSprop

_CLASSES: dict[str, type[Optimizer]] = {
    cls.__name__: cls
    for cls in (
        SGD, RMSprop, Adam, AdamW, Adadelta, Adagrad, Adamax, Adafactor, Nadam, Ftrl, Lion, Lamb, Muon,
    )
}  # fmt: skip
_BY_LOWER = {name.lower(): cls for name, cls in _CLASSES.items()}


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
    found = identifier
    if isinstance(identifier, str):
        found = custom.found(identifier, None) or _BY_LOWER.get(identifier.lower())
        if found is None:
            refuse("keras.optimizers", identifier)
    if isinstance(found, type) and issubclass(found, Optimizer):
        return found()  # type: ignore[call-arg]
    raise unknown("optimizer", identifier, _BY_LOWER)


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """A description of an optimizer, without its state, as plain data."""
    return serialization.serialize(optimizer, "keras.optimizers")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer that `serialize` described; `custom_objects` names classes of your own."""
    with custom.custom_object_scope(custom_objects):
        name = config.get("class_name") if isinstance(config, Mapping) else None
        if isinstance(name, str) and name.lower() in _BY_LOWER:
            config = {**config, "class_name": _BY_LOWER[name.lower()].__name__}
        return serialization.deserialize(  # type: ignore[no-any-return]
            config, _CLASSES, "optimizer", package="keras.optimizers"
        )
