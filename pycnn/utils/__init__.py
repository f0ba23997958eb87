"""Small helpers, with Keras' names."""

from pycnn.core.custom_objects import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from pycnn.core.lazy import names_from
from pycnn.core.registry import deserialize_keras_object, serialize_keras_object
from pycnn.core.session import clear_session
from pycnn.utils.arrays import normalize, to_categorical
from pycnn.utils.dataset import PyDataset, Sequence
from pycnn.utils.drawing import plot_model
from pycnn.utils.files import get_file
from pycnn.utils.image_dataset import image_dataset_from_directory
from pycnn.utils.images import array_to_img, img_to_array, load_img, save_img
from pycnn.utils.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from pycnn.utils.progbar import Progbar
from pycnn.utils.seeds import set_random_seed
from pycnn.utils.sequences import pad_sequences

CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

__getattr__, __dir__ = names_from(__name__, __all__)
