"""Small helpers, with Keras' names."""

from typing import Any

from pycnn.core.aliases import old_name
from pycnn.core.custom_objects import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from pycnn.core.refusal import refusing
from pycnn.core.registry import deserialize_keras_object, serialize_keras_object
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
_old_module = old_name(__name__)

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
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

_IMAGES_ONLY = "it is made for images; give fit a PyDataset or a generator of your own"

_refused = refusing(
    "utils",
    {
        "FeatureSpace": _IMAGES_ONLY,
        "audio_dataset_from_directory": _IMAGES_ONLY,
        "text_dataset_from_directory": _IMAGES_ONLY,
        "timeseries_dataset_from_array": _IMAGES_ONLY,
        "model_to_dot": "use utils.plot_model, which draws without Graphviz",
        "split_dataset": "cut the arrays, or give fit `validation_split`",
        "get_source_inputs": "use model.inputs",
    },
)


def __getattr__(name: str) -> Any:
    try:
        return _old_module(name)
    except AttributeError:
        return _refused(name)
