"""Metrics, with Keras' names and formulas. In training the C++ core counts them; these work on arrays."""

from pycnn.metrics.accuracy import (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
)
from pycnn.metrics.base import MeanMetricWrapper, Metric
from pycnn.metrics.mean import Mean
from pycnn.metrics.registry import deserialize, get, serialize

__all__ = [
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "Mean",
    "MeanMetricWrapper",
    "Metric",
    "SparseCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "deserialize",
    "get",
    "serialize",
    "sparse_categorical_accuracy",
]
