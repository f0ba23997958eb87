"""Small helpers, with Keras' names."""

from pycnn.core.aliases import old_name
from pycnn.core.custom_objects import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from pycnn.core.registry import deserialize_keras_object, serialize_keras_object
from pycnn.utils.arrays import normalize, to_categorical
from pycnn.utils.dataset import PyDataset, Sequence
from pycnn.utils.seeds import set_random_seed

CustomObjectScope = custom_object_scope
__getattr__ = old_name(__name__)

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
]
