"""Applies a kernel to pictures in arrays and in files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_number, as_pair
from pycnn.filters import kernels
from pycnn.utils.images import DECODING_ERRORS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

_PAD = {"constant": "constant", "nearest": "edge", "edge": "edge", "reflect": "reflect", "wrap": "wrap"}
MODES = tuple(_PAD)
_WITH_ALPHA = {"GIF", "PNG", "TGA", "TIFF", "WEBP"}
_SEPARATE_FROM = 25  # weights; below, two passes cost more than one
_MAX_PADDED = 2**31  # values


def apply(
    image: ArrayLike,
    kernel: Any,
    strides: Any = 1,
    padding: Any = "same",
    mode: str = "constant",
    fill_value: float = 0,
    *,
    dtype: DTypeLike | None = None,
) -> NDArray[Any]:
    """Applies a kernel to each channel of a picture, or of a batch of pictures.

    As in networks, the kernel is not flipped: y[i, j] = sum over a, b of kernel[a, b] * x[i * s + a - before,
    j * s + b - before] with a stride s. It is computed in float32; a large kernel that is the product of a
    column and a row in two passes.

    Args:
        image: (h, w), (h, w, c) or (n, h, w, c), real numbers.
        kernel: what `filters.get` takes: a name, 'gaussian:SIGMA', 'box:SIZE' or a matrix (kh, kw).
        strides: pixels from one output to the next: an int or (height, width).
        padding: 'same', ceil(h / stride) rows, as many pixels before as after, one less before where their
            number is odd; 'valid', none; or the number of pixels at every side, or (height, width).
        mode: what lies outside: 'constant', 'nearest' or its other name 'edge' (the border's pixels),
            'reflect' (mirrored, the border not repeated) or 'wrap' (the other side).
        fill_value: outside, where the mode is 'constant'.
        dtype: 'float32', or 'uint8', rounded to the nearest integer and cut off at 0 and 255; None for uint8
            where the image is uint8, else float32.

    Returns:
        (oh, ow), (oh, ow, c) or (n, oh, ow, c), with oh = (h + padding - kh) // stride + 1.

    Raises:
        TypeError: not real numbers.
        ValueError: other axes, an empty picture, a kernel larger than the padded picture, an unknown name.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    Example:
        >>> from pycnn import filters
        >>> filters.apply([[1, 2, 3], [4, 5, 6]], [[1, -1]], padding="valid").tolist()
        [[-1.0, -1.0], [-1.0, -1.0]]
    """
    pixels = _pixels(image)
    weights = kernels.get(kernel)
    step = as_pair("strides", strides)
    if mode not in _PAD:
        raise ValueError(f"mode is {mode!r}; expected one of {', '.join(map(repr, MODES))}")
    fill = as_number("fill_value", fill_value)
    if fill != 0 and mode != "constant":
        raise ValueError(f"fill_value is {fill_value!r}; it goes with mode 'constant', not {mode!r}")
    result = _result_type(dtype, pixels)
    n, height, width, channels = _batch_shape(pixels.shape)
    batch = pixels.reshape(n, height, width, channels)
    sides = _sides(padding, (height, width), weights.shape, step)
    # Beyond the padded picture there is no second output, however large the stride.
    step = (min(step[0], height + sum(sides[0])), min(step[1], width + sum(sides[1])))
    if batch.dtype != np.uint8:
        with np.errstate(over="ignore"):  # beyond float32: infinite
            batch = batch.astype(np.float32, copy=False)
    factors = _factors(weights) if weights.size > _SEPARATE_FROM else None
    column, row = (weights, None) if factors is None else factors
    y = _core.filter_images(
        np.require(batch, None, ["C", "A"]),
        column.astype(np.float32),
        None if row is None else row.astype(np.float32),
        rows=_positions(height, sides[0], _PAD[mode]),
        columns=_positions(width, sides[1], _PAD[mode]),
        strides=step,
        fill=fill,
        bytes=result == np.uint8,
    )
    if pixels.ndim == 2:
        return y[0, :, :, 0]
    return y if pixels.ndim == 4 else y[0]


def apply_to_file(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    kernel: Any,
    strides: Any = 1,
    padding: Any = "same",
    mode: str = "constant",
    fill_value: float = 0,
) -> NDArray[np.uint8]:
    """Applies a kernel to a picture file and writes the result to another one.

    The picture is turned upright (EXIF). Grey pictures without transparency stay grey, others become RGB.
    Transparency keeps its values, and is left out of formats other than PNG, TIFF, WebP, GIF and TGA.

    Args:
        source: a file in a format that Pillow reads, with 8 bits a channel.
        output: the file to write, in the format of its ending.
        kernel, strides, padding, mode, fill_value: as in `filters.apply`.

    Returns:
        The pixels that were written, (h, w) or (h, w, 3 or 4).

    Raises:
        FileNotFoundError: there is no such file, or no folder for the output.
        ValueError: no picture or a damaged one, another depth, an unknown ending, or as in `filters.apply`.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> from pycnn import filters
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("RGB", (30, 20), "white").save(f"{folder}/white.png")
        ...     filters.apply_to_file(f"{folder}/white.png", f"{folder}/edges.png", "outline").shape
        (20, 30, 3)
    """
    from PIL import Image

    kernels.get(kernel)  # an error before anything is read
    target = os.fspath(output)
    folder, name = os.path.split(target)
    file_format = Image.registered_extensions().get(os.path.splitext(name)[1].lower())
    if file_format is None or file_format not in Image.SAVE:
        raise ValueError(f"output is {target!r}; expected a name that ends like a picture's: .png, .jpg, …")
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(f"output is {target!r}, but there is no folder {folder!r}")
    pixels = _read(source)
    alpha = pixels[:, :, 3:] if pixels.ndim == 3 and pixels.shape[2] == 4 else None
    colours = pixels if alpha is None else pixels[:, :, :3]
    y = apply(colours, kernel, strides, padding, mode, fill_value)
    if alpha is not None and file_format in _WITH_ALPHA:
        height, width = kernels.get(kernel).shape
        identity = np.zeros((height, width))
        identity[(height - 1) // 2, (width - 1) // 2] = 1
        kept = apply(alpha, identity, strides, padding, mode, 255 if mode == "constant" else 0)
        y = np.concatenate([y, kept], axis=2)
    part = os.path.join(folder, f".{name}.{os.getpid()}.part")
    try:
        Image.fromarray(np.ascontiguousarray(y)).save(part, format=file_format)
        os.replace(part, target)
    finally:
        if os.path.exists(part):
            os.unlink(part)
    return y


def _read(source: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """(h, w) of grey pictures, else (h, w, 3), with transparency (h, w, 4)."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = os.fspath(source)
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with Image.open(path) as opened:
            image: Image.Image = ImageOps.exif_transpose(opened)
            if image.mode.startswith(("I", "F")):
                raise ValueError(f"its mode is {image.mode}; expected 8 bits a channel")
            transparent = "A" in image.getbands() or "transparency" in image.info
            grey = image.mode in ("1", "L") and not transparent
            return np.array(image.convert("L" if grey else "RGBA" if transparent else "RGB"), np.uint8)
    except UnidentifiedImageError:
        raise ValueError(f"{path} is not a picture in a format that Pillow reads") from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} is too large a picture: {error}") from error
    except DECODING_ERRORS as error:
        raise ValueError(f"{path} cannot be used: {error}") from error


def _pixels(image: ArrayLike) -> NDArray[Any]:
    try:
        pixels = np.asarray(image)
    except ValueError:
        raise ValueError("image: rows have different lengths") from None
    if pixels.dtype.kind not in "biuf":
        raise TypeError(f"image has dtype {pixels.dtype}; expected real numbers")
    if pixels.ndim not in (2, 3, 4) or 0 in pixels.shape:
        raise ValueError(
            f"image has shape {pixels.shape}; expected (h, w), (h, w, c) or (n, h, w, c), none of them 0"
        )
    return pixels


def _batch_shape(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    n = shape[0] if len(shape) == 4 else 1
    height, width, *channels = shape[1:] if len(shape) == 4 else shape
    return n, height, width, channels[0] if channels else 1


def _result_type(dtype: DTypeLike | None, pixels: NDArray[Any]) -> np.dtype[Any]:
    if dtype is None:
        return np.dtype(np.uint8 if pixels.dtype == np.uint8 else np.float32)
    try:
        result = np.dtype(dtype)
    except TypeError:
        result = np.dtype(object)
    if result not in (np.uint8, np.float32):
        raise ValueError(f"dtype is {dtype!r}; expected 'uint8', 'float32' or None")
    return result


def _sides(
    padding: Any, size: tuple[int, ...], kernel: tuple[int, ...], step: tuple[int, int]
) -> list[tuple[int, int]]:
    """Pixels before and after, of both axes; ValueError where the kernel does not fit."""
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"padding is {padding!r}; expected 'same', 'valid' or a number of pixels")
        needed = [
            max((-(-n // s) - 1) * s + k - n, 0) if padding == "same" else 0
            for n, k, s in zip(size, kernel, step, strict=True)
        ]
        sides = [(total // 2, total - total // 2) for total in needed]
    else:
        sides = [(pixels, pixels) for pixels in as_pair("padding", padding, 0)]
    padded = [n + sum(both) for n, both in zip(size, sides, strict=True)]
    if padded[0] * padded[1] > _MAX_PADDED:
        raise ValueError(f"padding is {padding!r}; {padded[0]} x {padded[1]} pixels are too many")
    if padded[0] < kernel[0] or padded[1] < kernel[1]:
        raise ValueError(
            f"kernel has shape {kernel}, larger than the picture of {padded[0]} x {padded[1]} pixels with "
            f"its padding"
        )
    return sides


def _positions(n: int, sides: tuple[int, int], mode: str) -> NDArray[np.int64]:
    """Of the n pixels of an axis, those that the padded axis has; -1 outside, where the mode is constant."""
    if mode == "constant":
        return np.pad(np.arange(n), sides, constant_values=-1)
    return np.pad(np.arange(n), sides, mode)  # type: ignore[call-overload,no-any-return]


def _factors(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """A column and a row whose product the kernel is, to float64's precision, or None."""
    row, column = np.unravel_index(np.abs(weights).argmax(), weights.shape)
    pivot = weights[row, column]
    if pivot == 0:
        return None
    first, second = weights[:, column : column + 1], weights[row : row + 1] / pivot
    if np.abs(first * second - weights).max() > 4 * np.finfo(np.float64).eps * abs(pivot):
        return None
    return first, second
