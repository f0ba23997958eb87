"""TensorFlow's `tf.data`, as programs with CNNs use it: `pycnn.data.Dataset`, in Python and NumPy."""

from pycnn.core.lazy import names_from
from pycnn.data.dataset import Dataset
from pycnn.data.elements import TensorSpec
from pycnn.data.sizes import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY

AUTOTUNE = -1  # as many threads as pycnn has

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "Dataset",
    "TensorSpec",
    "experimental",
]

__getattr__, __dir__ = names_from(__name__, __all__, submodules=("experimental",))
