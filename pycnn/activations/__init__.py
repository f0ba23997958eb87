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

from typing import Any

from pycnn.activations.operation import functions
from pycnn.activations.registry import deserialize, get, serialize

__all__ = ["deserialize", "get", "serialize"]


def __getattr__(name: str) -> Any:
    found = None if name.startswith("_") else functions().get(name)
    if found is None:
        raise AttributeError(f"module 'pycnn.activations' has no attribute {name!r}")
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *functions()})
