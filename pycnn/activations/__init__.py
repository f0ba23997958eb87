"""Activation functions, with Keras' names and defaults: those functions of `keras.ops`, by the same names.

Each takes a symbol, or real numbers `x` of any shape, for which it returns a float32 array; TypeError where
`x` is something else. Each can be given to a layer as `activation=`, by name or itself.

Example:
    >>> import pycnn as keras
    >>> keras.activations.hard_sigmoid([-3.0, 0.0, 3.0])
    array([0. , 0.5, 1. ], dtype=float32)
    >>> keras.layers.Dense(2, activation="hard_sigmoid").activation is keras.activations.hard_sigmoid
    True
"""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from
from pycnn.core.registry import add_package

if TYPE_CHECKING:
    from pycnn.activations.registry import deserialize, get, serialize
    from pycnn.ops import (
        celu,
        elu,
        exponential,
        gelu,
        glu,
        hard_shrink,
        hard_sigmoid,
        hard_silu,
        hard_swish,
        hard_tanh,
        leaky_relu,
        linear,
        log_sigmoid,
        log_softmax,
        mish,
        relu,
        relu6,
        selu,
        sigmoid,
        silu,
        soft_shrink,
        softmax,
        softplus,
        softsign,
        sparse_plus,
        sparse_sigmoid,
        sparsemax,
        squareplus,
        swish,
        tanh,
        tanh_shrink,
        threshold,
    )

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

__getattr__, __dir__ = names_from(__name__, __all__, ["pycnn.activations.registry", "pycnn.ops"])

add_package(__name__)
