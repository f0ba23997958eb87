"""TensorFlow's `tf.data`, as programs with CNNs use it: `pycnn.data.Dataset`, in Python and NumPy."""

from types import SimpleNamespace
from typing import Any

from pycnn.core.refusal import refusing
from pycnn.data.dataset import Dataset
from pycnn.data.elements import TensorSpec
from pycnn.data.sizes import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY

AUTOTUNE = -1  # as many threads as pycnn has


def _cardinality(dataset: Dataset) -> Any:
    return dataset.cardinality()


experimental = SimpleNamespace(
    AUTOTUNE=AUTOTUNE,
    Counter=Dataset.counter,
    INFINITE_CARDINALITY=INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY=UNKNOWN_CARDINALITY,
    cardinality=_cardinality,
)

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "Dataset",
    "TensorSpec",
    "experimental",
]

_READ = "read the file in Python, and give Dataset.from_generator or from_tensor_slices what is in it"

__getattr__ = refusing(
    "data",
    {
        "FixedLengthRecordDataset": _READ,
        "TFRecordDataset": _READ,
        "TextLineDataset": _READ,
        "Options": "there is nothing to set: elements come in their order, by pycnn's own threads",
        "Iterator": "iterate over the dataset itself",
    },
)
