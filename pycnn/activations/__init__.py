"""Activation functions, with Keras' names and defaults.

Each takes real numbers `x` of any shape and returns a float32 array of that shape; TypeError where `x` is
something else. Each can be given to a layer as `activation=`, by name or itself.

Example:
    >>> import pycnn as keras
    >>> keras.activations.hard_sigmoid([-3.0, 0.0, 3.0])
    array([0. , 0.5, 1. ], dtype=float32)
    >>> keras.layers.Dense(2, activation="hard_sigmoid").activation is keras.activations.hard_sigmoid
    True
"""

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
from pycnn.activations.registry import deserialize, get, serialize

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
