"""Small helpers, with Keras' names."""

from pycnn.utils.arrays import normalize, to_categorical
from pycnn.utils.dataset import PyDataset, Sequence
from pycnn.utils.seeds import set_random_seed

__all__ = ["PyDataset", "Sequence", "normalize", "set_random_seed", "to_categorical"]
