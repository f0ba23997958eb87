"""Terms of the loss that keep weights or outputs small, with Keras' names and formulas.

They add to `loss` in `fit` and in `evaluate`: those of weights that are trainable, and those of outputs
(`activity_regularizer`), divided by the number of samples in the batch.
"""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from
from pycnn.core.registry import add_package

if TYPE_CHECKING:
    from pycnn.regularizers.base import Regularizer
    from pycnn.regularizers.registry import deserialize, get, serialize
    from pycnn.regularizers.regularizers import (
        L1,
        L1L2,
        L2,
        OrthogonalRegularizer,
        l1,
        l1_l2,
        l2,
        orthogonal_regularizer,
    )

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

_MODULES = ("base", "regularizers", "registry")

__getattr__, __dir__ = names_from(__name__, __all__, _MODULES)

add_package(__name__)
