"""Metrics by name, and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycnn.core import custom_objects, registry, serialization
from pycnn.core.names import unknown
from pycnn.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
)
from pycnn.metrics.base import MeanMetricWrapper, Metric
from pycnn.metrics.mean import Mean

_CLASSES: dict[str, type[Metric]] = {
    cls.__name__: cls for cls in (BinaryAccuracy, CategoricalAccuracy, Mean, SparseCategoricalAccuracy)
}
_NAMES: dict[str, type[Accuracy]] = {
    cls.kind: cls for cls in (BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy)
}
_FUNCTIONS: dict[Any, type[Accuracy]] = {
    binary_accuracy: BinaryAccuracy,
    categorical_accuracy: CategoricalAccuracy,
    sparse_categorical_accuracy: SparseCategoricalAccuracy,
}


def get(identifier: Any) -> Metric:
    """The metric for a name, a function of `keras.metrics`, a class, an object or a description of one.

    Args:
        identifier: for instance 'binary_accuracy', BinaryAccuracy or BinaryAccuracy(). 'accuracy' and 'acc'
            are one of the three accuracies, by the loss and the output's shape, and known to `compile` only.

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
    cls: type[Metric] | None = None
    if isinstance(identifier, str):
        own = custom_objects.found(identifier, None)
        if own is not None:
            return get(own)
        cls = _NAMES.get(identifier) or _CLASSES.get(identifier)
    elif isinstance(identifier, type):
        cls = identifier if issubclass(identifier, Metric) else None
    elif callable(identifier):
        cls = _FUNCTIONS.get(identifier)
        if cls is None:
            return MeanMetricWrapper(identifier)
    if cls is None:
        raise unknown("metric", identifier, ["accuracy", "acc", *_NAMES])
    return cls()


def serialize(metric: Metric) -> dict[str, Any]:
    """A description of a metric, without its state, as plain data."""
    if isinstance(metric, MeanMetricWrapper):
        return serialization.serialize_function(metric.function)
    return serialization.serialize(metric, "keras.metrics")


def deserialize(config: Any) -> Metric:
    """The metric that `serialize` described."""
    found = serialization.deserialize(config, _CLASSES, "metric", get)
    return found if isinstance(found, Metric) else MeanMetricWrapper(found)


registry.add_package("metrics", serialize, deserialize)
