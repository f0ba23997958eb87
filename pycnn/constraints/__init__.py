"""What weights become after each step of an optimizer, with Keras' names and formulas."""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from
from pycnn.core.registry import add_package

if TYPE_CHECKING:
    from pycnn.constraints.base import Constraint
    from pycnn.constraints.constraints import (
        MaxNorm,
        MinMaxNorm,
        NonNeg,
        UnitNorm,
        max_norm,
        min_max_norm,
        non_neg,
        unit_norm,
    )
    from pycnn.constraints.registry import deserialize, get, serialize

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

_MODULES = ("base", "constraints", "registry")

__getattr__, __dir__ = names_from(__name__, __all__, _MODULES)

add_package(__name__)
