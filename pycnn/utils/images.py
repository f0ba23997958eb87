"""Pictures read from files and written to them, by Pillow."""

from __future__ import annotations

import importlib
import io
import os
import struct
import warnings
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray
    from PIL.Image import Image

COLOR_MODES = {"grayscale": 1, "rgb": 3, "rgba": 4}  # and their channels
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
# What Pillow raises at damaged files, and at kinds of its formats that it cannot read.
DECODING_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
JPEG_DECODERS = ("pillow", "draft", "simplejpeg")
_PIL_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_GREY = ("L", "I;16", "I")  # what color_mode='grayscale' leaves as it is


def is_channels_first(data_format: Any) -> bool:
    """Whether `data_format` (None: 'channels_last') is 'channels_first'; ValueError if it is unknown."""
    if data_format not in (None, "channels_last", "channels_first"):
        raise ValueError(
            f"`data_format` is {data_format!r}; expected 'channels_last', 'channels_first' or None"
        )
    return bool(data_format == "channels_first")


def check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    """ValueError unless value is one of the choices."""
    if value not in choices:
        expected = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` is {value!r}; expected one of {expected}")


def checked_size(name: str, size: Any) -> tuple[int, int]:
    """A pair of heights and widths of at least 1."""
    if not isinstance(size, (tuple, list, np.ndarray)) or len(size) != 2:
        raise ValueError(f"`{name}` is {size!r}; expected (height, width)")
    return as_int(f"{name}[0]", size[0], 1), as_int(f"{name}[1]", size[1], 1)


def array_to_img(
    x: ArrayLike, data_format: str | None = None, scale: bool = True, dtype: DTypeLike | None = None
) -> Image:
    """A Pillow image of an array.

    Args:
        x: (height, width, channels), or (channels, height, width) where `data_format` says so; 1, 3 or 4
            channels.
        data_format: 'channels_last' (None means it too) or 'channels_first'.
        scale: whether values are stretched, the smallest to 0 and the largest to 255; otherwise fractions
            are cut off.
        dtype: in which that is computed; None for float32.

    Returns:
        An image of mode L, RGB or RGBA; of mode I for one channel with values above 255.

    Raises:
        ValueError: x has other axes or channels.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.utils.array_to_img(np.zeros((4, 6, 3))).size
        (6, 4)
    """
    from PIL import Image

    first = is_channels_first(data_format)
    array = np.asarray(x, np.float32 if dtype is None else dtype)
    if array.ndim != 3:
        raise ValueError(f"array_to_img: x has shape {array.shape}; expected 3 axes, those of one image")
    if first:
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - array.min()
        highest = array.max()
        if highest != 0:
            array /= highest
        array *= 255
    channels = array.shape[2]
    if channels == 1:
        wide = array.max() > 255
        return Image.fromarray(array[:, :, 0].astype(np.int32 if wide else np.uint8))
    if channels in (3, 4):
        return Image.fromarray(np.ascontiguousarray(array.astype(np.uint8)))
    raise ValueError(f"array_to_img: x of shape {array.shape} has {channels} channels; expected 1, 3 or 4")


def img_to_array(img: Image, data_format: str | None = None, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """An array of a Pillow image.

    Args:
        img: the image.
        data_format: 'channels_last' (None means it too) or 'channels_first'.
        dtype: of the array; None for float32.

    Returns:
        (height, width, channels), or (channels, height, width); grey images have one channel.

    Raises:
        ValueError: if img has other axes than these.

    Example:
        >>> import pycnn as keras
        >>> from PIL import Image
        >>> keras.utils.img_to_array(Image.new("RGB", (6, 4))).shape
        (4, 6, 3)
    """
    first = is_channels_first(data_format)
    array = np.asarray(img, np.float32 if dtype is None else dtype)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ValueError(f"img_to_array: img has shape {array.shape}; expected 2 or 3 axes")
    return array.transpose(2, 0, 1) if first else array


def save_img(
    path: str | os.PathLike[str] | IO[bytes],
    x: ArrayLike,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array to a picture file.

    Args:
        path: of the file, or a file that is open for writing.
        x: as in `array_to_img`.
        data_format: the same.
        file_format: as Pillow names it; None for the path's ending.
        scale: whether values are stretched to 0 and 255.
        **kwargs: of Pillow's `Image.save`.

    Raises:
        ValueError: x is no image, or the format is unknown.

    Example:
        >>> import io
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.utils.save_img(io.BytesIO(), np.zeros((4, 6, 3)), file_format="png")
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(os.fspath(path))[1][1:].lower()
    if file_format is not None and file_format.lower() == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and file_format is not None and file_format.lower() == "jpeg":
        warnings.warn("JPEG files have no transparency: the fourth channel is left out", stacklevel=2)
        image = image.convert("RGB")
    try:
        image.save(path, format=file_format, **kwargs)
    except KeyError:
        raise ValueError(f"save_img: Pillow knows no format {file_format!r}") from None


def load_img(
    path: str | bytes | os.PathLike[str] | io.BytesIO,
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
    *,
    orientation: bool = False,
    jpeg_decoder: str = "pillow",
) -> Image:
    """Reads a picture file.

    Args:
        path: of the file, or its bytes in a `BytesIO`.
        color_mode: 'grayscale', 'rgb' or 'rgba'. Grey pictures of 16 or 32 bits stay what they are where
            it is 'grayscale'.
        target_size: (height, width) to which it is resized; None for its own.
        interpolation: 'nearest', 'bilinear', 'bicubic', 'lanczos', 'box' or 'hamming'.
        keep_aspect_ratio: whether what `target_size` has no room for is cut off at two sides, rather than
            the picture distorted.
        orientation: whether a picture that says so (EXIF) is turned upright.
        jpeg_decoder: 'pillow' for Keras' pixels; 'draft' lets Pillow decode a JPEG that is at least twice as
            large as `target_size` at a half, a quarter or an eighth of its size, which takes less time and
            gives other pixels; 'simplejpeg' does the same with that package.

    Returns:
        A Pillow image, read completely.

    Raises:
        FileNotFoundError, OSError: the file cannot be read.
        ValueError: it is no picture or a damaged one, has too many pixels, or more than 8 bits where
            `color_mode` has no room for them; or an argument is wrong. The message has the path.

    Example:
        >>> import pycnn as keras
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("L", (30, 20)).save(file, "png")
        >>> image = keras.utils.load_img(file, target_size=(10, 10))
        >>> image.mode, image.size
        ('RGB', (10, 10))
    """
    check_choice("color_mode", color_mode, tuple(COLOR_MODES))
    check_choice("interpolation", interpolation, INTERPOLATIONS)
    check_choice("jpeg_decoder", jpeg_decoder, JPEG_DECODERS)
    size = None if target_size is None else checked_size("target_size", target_size)
    if isinstance(path, io.BytesIO):
        name, file = "the picture", path
    elif isinstance(path, (str, bytes, os.PathLike)):
        name = os.fsdecode(path)
        with open(path, "rb") as opened:
            file = io.BytesIO(opened.read())
    else:
        raise TypeError(f"load_img: path is {path!r:.80}; expected a path or a BytesIO")
    return _decoded(  # type: ignore[no-any-return]
        name, file, color_mode, size, interpolation, keep_aspect_ratio, orientation, jpeg_decoder
    )


def load_small(
    path: str,
    color_mode: str,
    size: tuple[int, int],
    interpolation: str,
    orientation: bool,
    jpeg_decoder: str,
) -> NDArray[Any]:
    """The pixels of `load_img`, but of a JPEG as it is decoded: at least of that size, for who resizes it.

    Returns:
        An array (height, width) or (height, width, channels).

    Raises:
        OSError, ValueError: as in `load_img`.
    """
    with open(path, "rb") as opened:
        file = io.BytesIO(opened.read())
    return np.asarray(
        _decoded(path, file, color_mode, size, interpolation, False, orientation, jpeg_decoder, small=True)
    )


def _decoded(
    name: str,
    file: io.BytesIO,
    color_mode: str,
    size: tuple[int, int] | None,
    interpolation: str,
    keep_aspect_ratio: bool,
    orientation: bool,
    jpeg_decoder: str,
    small: bool = False,
) -> Any:
    """An image; where `small`, perhaps an array."""
    if not file.getbuffer().nbytes:
        raise ValueError(f"{name} is empty")
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        image: Image.Image = Image.open(file)
        decodes = size is not None and jpeg_decoder != "pillow" and image.format == "JPEG"
        if decodes and jpeg_decoder == "draft":
            image.draft("L" if color_mode == "grayscale" else "RGB", size[::-1])  # type: ignore[index]
        elif decodes:
            pixels = _by_simplejpeg(file, color_mode, size)  # type: ignore[arg-type]
            if small and not orientation and color_mode != "rgba":
                return pixels
            info = image.info
            image = Image.fromarray(pixels)
            image.info = info
        if orientation:
            image = ImageOps.exif_transpose(image)
        image = _in_colors(image, color_mode)
        if size is not None and image.size != size[::-1] and not (small and decodes):
            image = _resized(image, size, interpolation, keep_aspect_ratio)
        image.load()
    except UnidentifiedImageError:
        raise ValueError(f"{name} is not a picture in a format that Pillow reads") from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"{name} is too large a picture: {error}") from error
    except _TooManyBits as error:
        raise ValueError(
            f"{name} has values from {error.low} to {error.high}, which color_mode={color_mode!r} would cut "
            "off at 0 and 255; color_mode='grayscale' keeps pictures of 16 and 32 bits as they are"
        ) from None
    except DECODING_ERRORS as error:
        raise ValueError(f"{name} is a damaged picture: {error}") from error
    return image


class _TooManyBits(Exception):
    def __init__(self, low: float, high: float) -> None:
        super().__init__(low, high)
        self.low, self.high = low, high


def _in_colors(image: Image, color_mode: str) -> Image:
    mode = _PIL_MODES[color_mode]
    if image.mode == mode or (color_mode == "grayscale" and image.mode in _GREY):
        return image
    if image.mode.startswith(("I", "F")):
        low, high = np.min(np.asarray(image)), np.max(np.asarray(image))
        if not (low >= 0 and high <= 255):
            raise _TooManyBits(low.item(), high.item())
    return image.convert(mode)


def _resized(image: Image, size: tuple[int, int], interpolation: str, keep_aspect_ratio: bool) -> Image:
    from PIL import Image

    resampling = Image.Resampling[interpolation.upper()]
    height, width = size
    box = None
    if keep_aspect_ratio:
        # The largest part in the middle that has the target's proportions.
        w, h = image.size
        part_w, part_h = min(w, h * width // height), min(h, w * height // width)
        left, top = (w - part_w) // 2, (h - part_h) // 2
        box = (left, top, left + part_w, top + part_h)
    return image.resize((width, height), resampling, box=box)


def _by_simplejpeg(file: io.BytesIO, color_mode: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The JPEG at the smallest size its decoder offers that is not below `size`."""
    try:
        simplejpeg: Any = importlib.import_module("simplejpeg")  # which has no types
    except ImportError:
        raise ImportError(
            "jpeg_decoder='simplejpeg' needs the package simplejpeg: pip install simplejpeg"
        ) from None
    grey = color_mode == "grayscale"
    pixels = simplejpeg.decode_jpeg(
        file.getvalue(), "GRAY" if grey else "RGB", min_height=size[0], min_width=size[1]
    )
    return pixels[:, :, 0] if grey else pixels  # type: ignore[no-any-return]
