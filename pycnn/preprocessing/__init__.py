"""Data made ready for models, with Keras' names."""

from pycnn.preprocessing import image

__all__ = ["image"]
