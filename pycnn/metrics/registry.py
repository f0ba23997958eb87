"""Metrics by name, and as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pycnn.core import custom_objects as custom
from pycnn.core import serialization
from pycnn.core.names import snake_case, unknown
from pycnn.losses import registry as losses
from pycnn.metrics import accuracy, auc, confusion, correlation, f_score, iou, mean, of_losses
from pycnn.metrics.base import Metric
from pycnn.metrics.mean import FormulaMetric, MeanMetricWrapper

_CLASSES: dict[str, type[Metric]] = {
    name: thing
    for module in (mean, accuracy, of_losses, correlation, confusion, auc, f_score, iou)
    for name, thing in vars(module).items()
    if isinstance(thing, type)
    and issubclass(thing, Metric)
    and thing.__module__ == module.__name__
    and not name.startswith("_")
    and thing not in (FormulaMetric, confusion.ConfusionMetric)
}
_NAMES = {snake_case(name): cls for name, cls in _CLASSES.items()}
_FUNCTIONS: dict[Callable[..., Any], type[Metric]] = {
    cls.formula: cls for cls in _CLASSES.values() if issubclass(cls, FormulaMetric)
}
# The short names of losses, such as 'mse', are those of the metrics too.
_ALIASES = {
    alias: _FUNCTIONS[loss.function]
    for loss in losses.CLASSES
    for alias in loss.aliases
    if loss.function in _FUNCTIONS
}
_LOSSES = {loss.function.__name__: loss.function for loss in losses.CLASSES}


def get(identifier: Any) -> Metric:
    """The metric for a name, a function of `keras.metrics`, a class, an object or a description of one.

    Args:
        identifier: for instance 'binary_accuracy', BinaryAccuracy or BinaryAccuracy(); names and functions of
            losses, too. 'accuracy' and 'acc' are one of three accuracies for `compile`, by the loss and the
            output's shape.

    Returns:
        A metric.

    Raises:
        ValueError: if there is no such metric.

    Example:
        >>> import pycnn as keras
        >>> keras.metrics.get("binary_accuracy")
        <BinaryAccuracy name=binary_accuracy>
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    cls: Any = None
    if isinstance(identifier, str):
        own = custom.found(identifier, None)
        if own is not None:
            return get(own)
        cls = _NAMES.get(identifier) or _ALIASES.get(identifier) or _CLASSES.get(identifier)
        if cls is None and identifier in _LOSSES:
            return MeanMetricWrapper(_LOSSES[identifier])
    elif isinstance(identifier, type):
        cls = identifier if issubclass(identifier, Metric) else None
    elif callable(identifier):
        cls = _FUNCTIONS.get(identifier)
        if cls is None:
            return MeanMetricWrapper(identifier)
    if cls is None:
        raise unknown("metric", identifier, ["accuracy", "acc", *_NAMES, *_ALIASES])
    return cls()  # type: ignore[no-any-return]


def serialize(metric: Metric) -> dict[str, Any]:
    """A description of a metric, without its state, as plain data."""
    if type(metric) is MeanMetricWrapper:
        return serialization.serialize_function(metric._fn)
    return serialization.serialize(metric, "keras.metrics")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Metric:
    """The metric that `serialize` described; `custom_objects` names classes and functions of your own."""
    with custom.custom_object_scope(custom_objects):
        if isinstance(config, Mapping) and config.get("class_name") == "function":
            name = config.get("config")
            if isinstance(name, str) and custom.found(name, None) is None and name in _LOSSES:
                return MeanMetricWrapper(_LOSSES[name])
        found = serialization.deserialize(config, _CLASSES, "metric", get)
    return found if isinstance(found, Metric) else MeanMetricWrapper(found)
