"""Data made ready for models, with Keras' names."""

from pycnn.preprocessing import image
from pycnn.utils import image_dataset_from_directory

__all__ = ["image", "image_dataset_from_directory"]
