"""Activation functions, with Keras' names and defaults.

Each takes real numbers `x` of any shape and returns a float32 array of that shape; TypeError where `x` is
something else. Each can be given to a layer as `activation=`, by name or itself. Those that are made of other
functions (celu, glu, hard_shrink, hard_tanh, log_sigmoid, soft_shrink, sparse_plus, sparse_sigmoid,
sparsemax, squareplus, tanh_shrink, threshold) are the functions of `keras.ops`.

Example:
    >>> import pycnn as keras
    >>> keras.activations.hard_sigmoid([-3.0, 0.0, 3.0])
    array([0. , 0.5, 1. ], dtype=float32)
    >>> keras.layers.Dense(2, activation="hard_sigmoid").activation is keras.activations.hard_sigmoid
    True
"""

from typing import Any

from pycnn.activations.functions import (
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    leaky_relu,
    linear,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    swish,
    tanh,
)
from pycnn.activations.registry import deserialize, get, named, names, serialize

__all__ = [
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


def __getattr__(name: str) -> Any:
    found = None if name.startswith("_") else named(name)
    if found is None:
        raise AttributeError(f"module 'pycnn.activations' has no attribute {name!r}")
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *names()})
