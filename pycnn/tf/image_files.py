"""TensorFlow's functions for pictures in the bytes of files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from pycnn.core.tensor import Tensor
from pycnn.tf.image_values import convert_image_dtype, images_of

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def decode_image(
    contents: Any,
    channels: int | None = 0,
    dtype: Any = "uint8",
    name: Any = None,
    expand_animations: bool = True,
) -> Tensor:
    """The picture in the bytes of a file.

    Args:
        contents: bytes of a JPEG, PNG, BMP or GIF file.
        channels: 1, 3 or 4; 0 or None for what the file has.
        dtype: uint8, or a float for values from 0 to 1.
        name: has no effect.
        expand_animations: has no effect: the first picture of several is decoded.

    Returns:
        (h, w, channels)

    Raises:
        TypeError, ValueError: if these are no bytes of a picture, or an argument is wrong.
    """
    from PIL import Image, UnidentifiedImageError

    if not isinstance(contents, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"tf.image: contents is {contents!r:.100}; expected bytes, as tf.io.read_file gives them"
        )
    if channels not in (None, 0, *_MODES):
        raise ValueError(f"tf.image: channels is {channels!r}; expected 0, 1, 3 or 4")
    try:
        with Image.open(io.BytesIO(contents)) as picture:
            mode = _MODES.get(channels or 0) or _mode_of(picture)
            array = np.array(picture.convert(mode))
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(f"tf.image: these {len(contents)} bytes are no picture: {error!s:.200}") from None
    array = array[..., None] if array.ndim == 2 else array
    return convert_image_dtype(array, dtype)


def _mode_of(picture: Any) -> str:
    """What a file has: gray, colours, or colours with transparency."""
    if picture.mode in ("1", "L", "I", "I;16", "F"):
        return "L"
    transparent = picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info
    return "RGBA" if transparent else "RGB"


def decode_jpeg(contents: Any, channels: int = 0, **kwargs: Any) -> Tensor:
    """The same as `decode_image`; further arguments have no effect."""
    return decode_image(contents, channels)


def decode_png(contents: Any, channels: int = 0, dtype: Any = "uint8", name: Any = None) -> Tensor:
    """The same as `decode_image`."""
    return decode_image(contents, channels, dtype)


def _encoded(name: str, image: Any, kind: str, **options: Any) -> bytes:
    from PIL import Image

    array = images_of(name, image)
    if array.ndim != 3 or array.dtype != np.uint8 or array.shape[-1] not in _MODES:
        raise ValueError(
            f"tf.image.{name}: image has shape {array.shape} and dtype {array.dtype}; expected (h, w, 1), "
            f"(h, w, 3) or (h, w, 4) of uint8"
        )
    file = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(file, kind, **options)
    return file.getvalue()


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> bytes:
    """The bytes of a PNG file of a uint8 image (h, w, 1), (h, w, 3) or (h, w, 4)."""
    return _encoded("encode_png", image, "PNG")


def encode_jpeg(image: Any, format: str = "", quality: int = 95, name: str | None = None) -> bytes:
    """The bytes of a JPEG file of a uint8 image (h, w, 1) or (h, w, 3)."""
    return _encoded("encode_jpeg", image, "JPEG", quality=quality)
