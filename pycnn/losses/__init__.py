"""Losses, with Keras' names and formulas. Networks compute them in the C++ core, and so do these.

Cross-entropies of probabilities normalise them, then clip to [1e-7, 1 - 1e-7]. The functions give the loss of
each sample, a float32 array of y_pred's shape without its last axis, and raise as the classes do.

Example:
    >>> import pycnn as keras
    >>> keras.losses.mean_squared_error([[1, 2], [0, 0]], [[2, 4], [0, 0]])
    array([2.5, 0. ], dtype=float32)
"""

from pycnn.losses.base import Loss
from pycnn.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from pycnn.losses.registry import deserialize, get, serialize
from pycnn.losses.regression import MeanSquaredError, mean_squared_error, mse

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_squared_error",
    "mse",
    "serialize",
    "sparse_categorical_crossentropy",
]
