"""Data made ready for models, with Keras' names."""

from pycnn.core.lazy import names_from
from pycnn.preprocessing import image
from pycnn.utils import image_dataset_from_directory

__all__ = ["image", "image_dataset_from_directory"]

__getattr__, __dir__ = names_from(__name__, __all__)
