"""Initial values of weights, with Keras' names and formulas.

`fan_in` and `fan_out` of a kernel are its last two axes times the size of its receptive field (the axes
before). Sources: Glorot & Bengio 2010 (glorot), He et al. 2015 (he), LeCun et al. 1998 (lecun), Saxe et al.
2014 (orthogonal).
"""

from pycnn.initializers.base import Initializer
from pycnn.initializers.constant import Constant, Ones, Zeros
from pycnn.initializers.random import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from pycnn.initializers.registry import deserialize, get, serialize
from pycnn.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]
