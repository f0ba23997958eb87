"""`tf.data.experimental`, where TensorFlow had some names first."""

from typing import Any

from pycnn.data import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY
from pycnn.data.dataset import Dataset

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Counter", "cardinality"]

Counter = Dataset.counter


def cardinality(dataset: Dataset) -> Any:
    """How many elements a dataset has: see `Dataset.cardinality`."""
    return dataset.cardinality()
