"""What functions of `tf.image` are given: images as arrays, symbols or recorded Tensors, and their types."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.recording import has_past, is_recording
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Tensor
from pycnn.tf.dtypes import numpy_dtype
from pycnn.tf.eager import as_array


def is_traced(image: Any) -> bool:
    """Whether a model or a tape computes it, so that the result must be computed there, too."""
    return isinstance(image, KerasTensor) or has_past(image)


def images_of(name: str, image: Any) -> Any:
    """An array of images, whose axes are checked."""
    if is_recording() and has_past(image):
        raise TypeError(
            f"tf.image.{name} computes with arrays, and a GradientTape has recorded these images, whose "
            f"gradient could not go through it; use keras.ops there, or convert with x.numpy()"
        )
    array = as_array(f"image.{name}", image)
    if array.ndim not in (3, 4):
        raise ValueError(
            f"tf.image.{name}: image has shape {array.shape}; expected (h, w, c) or (n, h, w, c)"
        )
    return array


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """Images as another type: floats are 0 to 1, integers 0 to their largest number.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.image.convert_image_dtype([[[1.0]]], tf.uint8).numpy().item()
        255
    """
    array, wanted = as_array("image.convert_image_dtype", image), numpy_dtype("convert_image_dtype", dtype)
    if array.dtype == wanted:
        return Tensor(array)
    return Tensor(as_type(as_floats(array), wanted, saturate))


def as_floats(array: Any) -> Any:
    """0 to 1."""
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    return (array / np.float64(np.iinfo(array.dtype).max)).astype(np.float32)


def as_type(floats: Any, wanted: Any, saturate: bool = True) -> Any:
    """Floats from 0 to 1 as another type; integers are cut off at their limits where `saturate` says so."""
    if wanted.kind == "f":
        return floats.astype(wanted)
    limits = np.iinfo(wanted)
    scaled = floats.astype(np.float64) * (limits.max + 0.5)
    return (np.clip(scaled, limits.min, limits.max) if saturate else scaled).astype(wanted)
