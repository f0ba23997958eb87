"""What weights become after each step of an optimizer, with Keras' names and formulas."""

from pycnn.constraints.base import Constraint
from pycnn.constraints.constraints import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from pycnn.constraints.registry import deserialize, get, serialize

max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm

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
