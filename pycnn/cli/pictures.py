"""Turns picture files into what networks take."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from pycnn.utils.images import DECODING_ERRORS

__all__ = ["INVERT", "Picture", "read_colours", "read_picture"]

INVERT = ("auto", "yes", "no")


class Picture(NamedTuple):
    """A picture as the network sees it."""

    pixels: NDArray[np.uint8]  # (height, width)
    inverted: bool


def read_picture(path: str | os.PathLike[str], size: tuple[int, int], invert: str = "auto") -> Picture:
    """Reads a picture file of any size and colours as a grey one of `size`, light on dark.

    The picture is turned upright (EXIF), laid on white where it is transparent, made grey, inverted where
    asked for, padded to the network's proportions with the brightness of its border, and resized with a
    Lanczos filter.

    Args:
        path: a file in any format that Pillow reads.
        size: (height, width) in pixels.
        invert: 'yes', 'no', or 'auto': when the border is bright, as on most photographs of things.

    Returns:
        The picture, uint8 from 0 to 255, and whether it was inverted.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a picture, or a damaged one, or `invert` is unknown.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("RGB", (200, 100), "white").save(f"{folder}/white.png")
        ...     picture = read_picture(f"{folder}/white.png", (28, 28))
        >>> picture.pixels.shape, int(picture.pixels.max()), picture.inverted
        ((28, 28), 0, True)
    """
    if invert not in INVERT:
        raise ValueError(f"invert is {invert!r}, expected one of {', '.join(INVERT)}")
    grey = _read(Path(path), _grey)
    border = _border(grey)
    inverted = invert == "yes" or (invert == "auto" and border > 127)
    if inverted:
        grey, border = ImageOps.invert(grey), 255 - border
    height, width = size
    if grey.size != (width, height):
        grey = ImageOps.pad(grey, (width, height), Image.Resampling.LANCZOS, color=round(border))
    return Picture(np.array(grey, np.uint8), inverted)


def read_colours(path: str | os.PathLike[str], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Reads the middle of a picture file, in the proportions of `size`, as (height, width, 3).

    The picture is turned upright (EXIF), laid on white where it is transparent, cropped and resized with a
    Lanczos filter. A JPEG that is much larger is decoded at a half, a quarter or an eighth of its size, but
    at twice `size` at least.

    Args:
        path: a file in any format that Pillow reads.
        size: (height, width) in pixels.

    Returns:
        Pixels from 0 to 255, red first.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a picture, or a damaged one.
    """
    height, width = size
    image = ImageOps.fit(
        _read(Path(path), _coloured, 2 * max(size)), (width, height), Image.Resampling.LANCZOS
    )
    return np.array(image, np.uint8)


def _read(path: Path, convert: Callable[[Image.Image], Image.Image], side: int | None = None) -> Image.Image:
    """An upright picture, converted; a JPEG's sides may come smaller, but not below `side` pixels."""
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder, expected a picture")
    try:
        with Image.open(path) as image:
            if side is not None:
                image.draft(None, (side, side))
            return convert(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is not a picture in a format that Pillow reads") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} is too large a picture: {error}") from error
    except DECODING_ERRORS as error:
        raise ValueError(f"{path} is a damaged picture: {error}") from error


def _coloured(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _in_bytes(image)
    return _on_white(image).convert("RGB")


def _grey(image: Image.Image) -> Image.Image:
    """Mode L, whatever the mode was."""
    return _in_bytes(image) if image.mode.startswith(("I", "F")) else _on_white(image).convert("L")


def _in_bytes(image: Image.Image) -> Image.Image:
    """Mode L for 16 bits, or numbers of any range, which convert() would cut off at 255."""
    values = np.asarray(image, np.float64)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I"):
        scale = 255 / 65535 if high > 255 else 1.0
    else:
        scale = 255.0 if low >= 0 and high <= 1 else 1.0
    return Image.fromarray(np.clip(np.rint(values * scale), 0, 255).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _border(image: Image.Image) -> float:
    """The median brightness of the outermost pixels."""
    pixels = np.asarray(image)
    return float(np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])))
