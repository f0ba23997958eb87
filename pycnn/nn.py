"""TensorFlow's `tf.nn`: activation functions, on arrays or given to a layer as `activation=`."""

from __future__ import annotations

from typing import Any

from pycnn import activations
from pycnn.activations import (
    elu,
    gelu,
    log_softmax,
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

__all__ = [
    "elu",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """features where they are positive, else alpha * features.

    Args:
        features: array of any shape.
        alpha: slope.
        name: has no effect.

    Returns:
        A float32 array of that shape.

    Example:
        >>> import pycnn as tf
        >>> tf.nn.leaky_relu([-1.0, 1.0])
        array([-0.2,  1. ], dtype=float32)
    """
    return activations.leaky_relu(features, alpha)
