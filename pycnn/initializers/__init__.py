"""Initial values of weights, with Keras' names and formulas.

`fan_in` and `fan_out` of a kernel are its last two axes times the size of its receptive field (the axes
before). Sources: Glorot & Bengio 2010 (glorot), He et al. 2015 (he), LeCun et al. 1998 (lecun), Saxe et al.
2014 (orthogonal).
"""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from
from pycnn.core.registry import add_package

if TYPE_CHECKING:
    from pycnn.initializers.base import Initializer
    from pycnn.initializers.constants import (
        Constant,
        Identity,
        IdentityInitializer,
        Ones,
        Zeros,
        constant,
        identity,
        ones,
        zeros,
    )
    from pycnn.initializers.random import (
        Orthogonal,
        OrthogonalInitializer,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        orthogonal,
        random_normal,
        random_uniform,
        truncated_normal,
    )
    from pycnn.initializers.registry import deserialize, get, serialize
    from pycnn.initializers.scaling import (
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        LecunNormal,
        LecunUniform,
        VarianceScaling,
        glorot_normal,
        glorot_uniform,
        he_normal,
        he_uniform,
        lecun_normal,
        lecun_uniform,
        variance_scaling,
    )

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

_MODULES = ("base", "constants", "random", "scaling", "registry")

__getattr__, __dir__ = names_from(__name__, __all__, _MODULES)

add_package(__name__)
