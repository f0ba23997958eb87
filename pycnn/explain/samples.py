"""The pictures that figures show: a file of the reader's, or Fashion-MNIST's sample inside pycnn."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.datasets.catalogue import FASHION_MNIST
from pycnn.utils.images import load_img

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

LARGEST = 256  # pixels along a side that a figure shows
_SHOE = 0  # an image of the sample's test set with many edges


def sample(part: str = "test") -> tuple[Bytes, Bytes]:
    """Images (n, 28, 28) and labels (n,) of Fashion-MNIST's sample."""
    if FASHION_MNIST.sample is None:
        raise FileNotFoundError("pycnn has no sample of Fashion-MNIST")
    with np.load(FASHION_MNIST.sample, allow_pickle=False) as file:
        return file[f"x_{part}"], file[f"y_{part}"]


def picture_of(picture: Any, color_mode: str = "grayscale") -> Bytes:
    """A picture to show.

    Args:
        picture: a path, an array uint8 (h, w) or (h, w, 3), or None for one of Fashion-MNIST.
        color_mode: 'grayscale' or 'rgb'.

    Returns:
        uint8 (h, w) or (h, w, 3); of a larger file at most 256 pixels along a side.

    Raises:
        FileNotFoundError, ValueError: no such file, no picture, or another form of an array.
        TypeError: something else.
    """
    from PIL import Image

    if picture is None:
        image = Image.fromarray(sample()[0][_SHOE])
    elif isinstance(picture, (str, os.PathLike)):
        image = load_img(picture, color_mode="rgb", orientation=True)
        image.thumbnail((LARGEST, LARGEST))
    else:
        pixels = np.asarray(picture)
        if (
            pixels.dtype != np.uint8
            or 0 in pixels.shape
            or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3))
        ):
            raise ValueError(
                f"picture is {pixels.dtype} of shape {pixels.shape}; expected uint8 (h, w) or (h, w, 3)"
            )
        image = Image.fromarray(pixels)
    return np.array(image.convert("L" if color_mode == "grayscale" else "RGB"), np.uint8)
