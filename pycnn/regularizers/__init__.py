"""Terms of the loss that keep weights or outputs small, with Keras' names and formulas.

They add to `loss` in `fit` and in `evaluate`: those of weights that are trainable, and those of outputs
(`activity_regularizer`), divided by the number of samples in the batch.
"""

from pycnn.regularizers.base import Regularizer
from pycnn.regularizers.registry import deserialize, get, serialize
from pycnn.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]
