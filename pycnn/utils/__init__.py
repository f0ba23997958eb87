"""Small helpers, with Keras' names."""

from pycnn.core.custom_objects import (
    custom_object_scope,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from pycnn.utils.arrays import normalize, to_categorical
from pycnn.utils.dataset import PyDataset, Sequence
from pycnn.utils.images import array_to_img, img_to_array, load_img, save_img
from pycnn.utils.seeds import set_random_seed

CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "custom_object_scope",
    "get_registered_name",
    "get_registered_object",
    "img_to_array",
    "load_img",
    "normalize",
    "register_keras_serializable",
    "save_img",
    "set_random_seed",
    "to_categorical",
]
