"""Keeping models in files, in Keras' formats and in one that C++ and C programs read too.

============  ============  =============  ===========================================
ending        whole models  weights alone  also read by
============  ============  =============  ===========================================
.keras        yes           read           Keras 3
.weights.h5   no            yes            Keras 3
.h5, .hdf5    yes           yes            Keras 2 and 3; written as Keras 3 writes them
.safetensors  yes           yes            programs in C++ and C
============  ============  =============  ===========================================

All but the last need h5py: `pip install 'pycnn[h5]'`.
"""

from pycnn.core.custom_objects import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from pycnn.core.lazy import names_from
from pycnn.core.registry import deserialize_keras_object, serialize_keras_object
from pycnn.saving.models import load_model, load_weights, save_model, save_weights

CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

__getattr__, __dir__ = names_from(__name__, __all__)
