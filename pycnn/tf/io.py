"""TensorFlow's `tf.io`: bytes of files, and pictures in them."""

from __future__ import annotations

import os
from typing import Any

from pycnn.tf.image_files import decode_image, decode_jpeg, decode_png, encode_jpeg, encode_png

decode_bmp = decode_gif = decode_image


def read_file(filename: Any, name: str | None = None) -> bytes:
    """The bytes of a file.

    Raises:
        FileNotFoundError, OSError: if it cannot be read.
    """
    with open(os.fspath(filename), "rb") as file:
        return file.read()


def write_file(filename: Any, contents: bytes, name: str | None = None) -> None:
    """Writes bytes to a file, whose folder is made."""
    path = os.fspath(filename)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(contents)


__all__ = [
    "decode_bmp",
    "decode_gif",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_jpeg",
    "encode_png",
    "read_file",
    "write_file",
]
