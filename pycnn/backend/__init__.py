"""Keras' global settings, most with one value in pycnn; and the functions of the old `keras.backend`."""

from __future__ import annotations

from typing import Any

from pycnn.core.data_format import image_data_format, set_image_data_format
from pycnn.core.session import backend, clear_session, epsilon, floatx, set_epsilon, set_floatx

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]


def __getattr__(name: str) -> Any:
    import importlib

    functions = importlib.import_module("pycnn.backend.functions")
    if name.startswith("_") or not hasattr(functions, name):
        raise AttributeError(
            f"module 'pycnn.backend' has no attribute {name!r}: keras.ops has the functions of Keras 3, and "
            f"keras.GradientTape gives gradients"
        )
    return getattr(functions, name)
