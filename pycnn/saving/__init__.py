"""Keeping models in files.

One safetensors file holds a model: weights, the optimizer's state, and the configuration as JSON in the
header.
"""

from pycnn.core.custom_objects import (
    custom_object_scope,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from pycnn.saving.models import load_model, save_model

CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "register_keras_serializable",
    "save_model",
]
