"""TensorFlow's `tf.image`, on arrays: images (h, w, c) or (n, h, w, c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pycnn import ops
from pycnn.core.colors import GRAY, to_hsv, to_rgb
from pycnn.core.resizing import METHODS, resized
from pycnn.core.tensor import Tensor
from pycnn.tf.eager import as_array, as_tensor
from pycnn.tf.image_files import decode_image, decode_jpeg, decode_png, encode_jpeg, encode_png
from pycnn.tf.image_values import as_floats, as_type, convert_image_dtype, images_of, is_traced
from pycnn.tf.random import generator, stateless_seed


class ResizeMethod:
    """Names of ways to resize."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"
    AREA = "area"


def _whole(name: str, given: Any, *limits: tuple[int, int]) -> list[int]:
    """Integers within limits."""
    found = [int(n) for n in np.atleast_1d(as_array(f"image.{name}", given))]
    if len(found) != len(limits) or any(
        not low <= n <= high for n, (low, high) in zip(found, limits, strict=True)
    ):
        raise ValueError(f"tf.image.{name}: {found} is not within {list(limits)}")
    return found


_ANY = (1, 2**24)


# --- sizes --------------------------------------------------------------------------------------------------
def resize(
    images: Any,
    size: Any,
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Any:
    """Images in another size.

    Args:
        images: (h, w, c) or (n, h, w, c), as an array or a symbol.
        size: (rows, columns).
        method: 'bilinear', 'bicubic', 'nearest', 'lanczos3', 'lanczos5', 'gaussian', 'mitchellcubic', 'area'.
        preserve_aspect_ratio: whether the image keeps its proportions, and `size` is the most it may have.
        antialias: whether what is made smaller is smoothed before.
        name: has no effect.

    Returns:
        A float32 Tensor; of the images' own type for 'nearest'; a symbol for a symbol.

    Raises:
        ValueError: if an argument is wrong or the method is not supported.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.image.resize([[[0.0], [2.0]]], (1, 4)).numpy().reshape(-1).tolist()
        [0.0, 0.5, 1.5, 2.0]
    """
    rows, columns = _whole("resize", size, _ANY, _ANY)
    if method not in METHODS:
        raise ValueError(
            f"tf.image.resize: method {method!r} is not supported; expected one of {', '.join(METHODS)}"
        )
    traced = is_traced(images)
    array = images if traced else images_of("resize", images)
    h, w = array.shape[-3:-1]
    if preserve_aspect_ratio:
        scale = min(rows / h, columns / w)
        rows, columns = max(round(h * scale), 1), max(round(w * scale), 1)
    if traced:
        return as_tensor(ops.image.resize(images, (rows, columns), method, antialias))
    return Tensor(resized(array, (rows, columns), method, antialias))


def crop_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Tensor:
    """A part of images: rows and columns to begin with, and their numbers."""
    array = images_of("crop_to_bounding_box", image)
    h, w = array.shape[-3:-1]
    given = (offset_height, offset_width, target_height, target_width)
    limits = (0, h - target_height), (0, w - target_width), (1, h), (1, w)
    top, left, rows, columns = _whole("crop_to_bounding_box", given, *limits)
    return Tensor(array[..., top : top + rows, left : left + columns, :])


def pad_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Tensor:
    """Images with zeros around them: their place in the new size, and this size."""
    array = images_of("pad_to_bounding_box", image)
    h, w = array.shape[-3:-1]
    given = (target_height - h - offset_height, target_width - w - offset_width, offset_height, offset_width)
    below, right, top, left = _whole("pad_to_bounding_box", given, *[(0, 2**24)] * 4)
    return Tensor(np.pad(array, [(0, 0)] * (array.ndim - 3) + [(top, below), (left, right), (0, 0)]))


def resize_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> Tensor:
    """The middle of images, or images in the midst of zeros."""
    array = images_of("resize_with_crop_or_pad", image)
    for axis, target in ((-3, target_height), (-2, target_width)):
        size = array.shape[axis]
        target = _whole("resize_with_crop_or_pad", target, _ANY)[0]
        if target < size:
            begin = (size - target) // 2
            array = np.take(array, np.arange(begin, begin + target), axis)
        else:
            pairs = [(0, 0)] * array.ndim
            pairs[axis] = ((target - size) // 2, target - size - (target - size) // 2)
            array = np.pad(array, pairs)
    return Tensor(array)


def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle of images, a fraction of their height and width."""
    array = images_of("central_crop", image)
    if not 0 < central_fraction <= 1:
        raise ValueError(f"tf.image.central_crop: central_fraction is {central_fraction}; expected (0, 1]")
    h, w = array.shape[-3:-1]
    top, left = (int((size - size * central_fraction) / 2) for size in (h, w))
    return Tensor(array[..., top : h - top, left : w - left, :])


def random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """A part of an array of the given size along each axis, from a random place."""
    array = as_array("image.random_crop", value)
    sizes = _whole("random_crop", size, *[(1, n) for n in array.shape])
    draw = generator(seed)
    begins = [int(draw.integers(n - m + 1)) for n, m in zip(array.shape, sizes, strict=True)]
    return Tensor(array[tuple(slice(b, b + m) for b, m in zip(begins, sizes, strict=True))])


# --- turns --------------------------------------------------------------------------------------------------
def flip_left_right(image: Any) -> Any:
    """Images with their columns in reverse order."""
    if is_traced(image):
        return as_tensor(ops.flip(image, axis=-2))
    return Tensor(images_of("flip_left_right", image)[..., ::-1, :])


def flip_up_down(image: Any) -> Any:
    """Images with their rows in reverse order."""
    if is_traced(image):
        return as_tensor(ops.flip(image, axis=-3))
    return Tensor(images_of("flip_up_down", image)[..., ::-1, :, :])


def transpose(image: Any, name: str | None = None) -> Tensor:
    """Images with rows and columns exchanged."""
    return Tensor(np.swapaxes(images_of("transpose", image), -3, -2))


def rot90(image: Any, k: int = 1, name: str | None = None) -> Tensor:
    """Images turned by k right angles, against the clock."""
    return Tensor(np.rot90(images_of("rot90", image), int(k), (-3, -2)))


def _by_chance(name: str, flip: Callable[[Any], Tensor]) -> Callable[..., Tensor]:
    def function(image: Any, seed: Any = None) -> Tensor:
        array = images_of(name, image)
        draw = generator(seed)
        if array.ndim == 3:
            return flip(array) if draw.random() < 0.5 else Tensor(array)
        chosen = draw.random(len(array)) < 0.5
        return Tensor(np.where(chosen[:, None, None, None], flip(array).value, array))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name.removeprefix('random_')}` of each image with probability 1/2."
    return function


random_flip_left_right = _by_chance("random_flip_left_right", flip_left_right)
random_flip_up_down = _by_chance("random_flip_up_down", flip_up_down)


# --- colours ------------------------------------------------------------------------------------------------
def _adjusted(name: str, image: Any, change: Callable[[Any], Any]) -> Tensor:
    """A change of floats from 0 to 1; the type stays."""
    array = images_of(name, image)
    return Tensor(as_type(change(as_floats(array)), array.dtype))


def adjust_brightness(image: Any, delta: float) -> Tensor:
    """Images with a number added, where 1 is the largest value of integers."""
    return _adjusted("adjust_brightness", image, lambda x: x + np.float32(delta))


def adjust_contrast(images: Any, contrast_factor: float) -> Tensor:
    """(x - mean) * factor + mean, with the mean of each image and channel."""

    def change(x: Any) -> Any:
        mean = x.mean((-3, -2), keepdims=True, dtype=np.float64).astype(np.float32)
        return (x - mean) * np.float32(contrast_factor) + mean

    return _adjusted("adjust_contrast", images, change)


def adjust_gamma(image: Any, gamma: float = 1, gain: float = 1) -> Tensor:
    """gain * x ** gamma."""
    if gamma < 0:
        raise ValueError(f"tf.image.adjust_gamma: gamma is {gamma}; expected a number of at least 0")
    return _adjusted("adjust_gamma", image, lambda x: np.float32(gain) * x ** np.float32(gamma))


def adjust_saturation(image: Any, saturation_factor: float, name: str | None = None) -> Tensor:
    """Colours with their saturation multiplied, at most 1."""

    def change(hsv: Any) -> Any:
        hsv[..., 1] = np.clip(hsv[..., 1] * saturation_factor, 0, 1)
        return hsv

    return _adjusted("adjust_saturation", image, lambda x: _rgb(change(_hsv(x))))


def adjust_hue(image: Any, delta: float, name: str | None = None) -> Tensor:
    """Colours with a number, of -1 to 1, added to their hue, where 1 is once around."""

    def change(hsv: Any) -> Any:
        hsv[..., 0] = (hsv[..., 0] + delta) % 1
        return hsv

    return _adjusted("adjust_hue", image, lambda x: _rgb(change(_hsv(x))))


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value of colours from 0 to 1."""
    return Tensor(_hsv(images_of("rgb_to_hsv", images).astype(np.float32)))


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Colours from 0 to 1 of their hue, saturation and value."""
    return Tensor(_rgb(images_of("hsv_to_rgb", images).astype(np.float32)))


def _hsv(rgb: Any) -> Any:
    _check_colours(rgb)
    return to_hsv(rgb)


def _rgb(hsv: Any) -> Any:
    _check_colours(hsv)
    return to_rgb(hsv)


def _check_colours(array: Any) -> None:
    if array.shape[-1] != 3:
        raise ValueError(f"tf.image: images have {array.shape[-1]} channels; expected 3 colours")


def rgb_to_grayscale(images: Any, name: str | None = None) -> Any:
    """Images of one channel: 0.2989 red + 0.587 green + 0.114 blue."""
    if is_traced(images):
        return as_tensor(ops.image.rgb_to_grayscale(images))
    array = images_of("rgb_to_grayscale", images)
    _check_colours(array)
    gray = (as_floats(array) @ GRAY)[..., None]
    return Tensor(as_type(gray, array.dtype))


def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """Images with their one channel three times."""
    if is_traced(images):
        return as_tensor(ops.concatenate([images] * 3, axis=-1))
    array = images_of("grayscale_to_rgb", images)
    if array.shape[-1] != 1:
        raise ValueError(f"tf.image.grayscale_to_rgb: images have {array.shape[-1]} channels; expected 1")
    return Tensor(np.repeat(array, 3, -1))


def per_image_standardization(image: Any) -> Tensor:
    """(x - mean) / max(deviation, 1 / sqrt(number of values)) of each image."""
    array = images_of("per_image_standardization", image).astype(np.float64)
    axes = (-3, -2, -1)
    least = 1 / np.sqrt(np.prod(array.shape[-3:]))
    deviation = np.maximum(array.std(axes, keepdims=True), least)
    return Tensor(((array - array.mean(axes, keepdims=True)) / deviation).astype(np.float32))


def _linear(name: str, matrix: Any, summary: str) -> Callable[..., Any]:
    """Other coordinates of colours, (..., 3) times a matrix, of arrays and symbols."""

    def function(images: Any, name: str | None = None) -> Any:
        if not is_traced(images):
            _check_colours(images_of(title, images))
        return as_tensor(ops.matmul(images, matrix.astype(np.float32)))

    title = function.__name__ = function.__qualname__ = name
    function.__doc__ = summary
    return function


# ITU-R BT.601: red, green and blue in columns of y, u and v; i and q are v and u turned by 33 degrees.
_LUMA = np.array([0.299, 0.587, 0.114])
_YUV = np.stack([_LUMA, 0.492111 * ([0, 0, 1] - _LUMA), 0.877283 * ([1, 0, 0] - _LUMA)], 1)
_COS, _SIN = np.cos(np.deg2rad(33)), np.sin(np.deg2rad(33))
_YIQ = _YUV @ np.array([[1, 0, 0], [0, -_SIN, _COS], [0, _COS, _SIN]])

rgb_to_yuv = _linear("rgb_to_yuv", _YUV, "Luma and chroma of colours.")
yuv_to_rgb = _linear("yuv_to_rgb", np.linalg.inv(_YUV), "Colours of luma and chroma.")
rgb_to_yiq = _linear("rgb_to_yiq", _YIQ, "Luma and chroma of colours, as NTSC turned it.")
yiq_to_rgb = _linear("yiq_to_rgb", np.linalg.inv(_YIQ), "Colours of luma and turned chroma.")


def _random(name: str, change: Callable[..., Tensor], symmetric: bool) -> Callable[..., Tensor]:
    def between(image: Any, low: float, high: float, seed: Any) -> Tensor:
        if not low <= high:
            raise ValueError(
                f"tf.image.{name}: {low} and {high} are no limits; the first must be the smaller"
            )
        return change(image, float(generator(seed).uniform(low, high)))

    if symmetric:

        def function(image: Any, max_delta: float, seed: Any = None) -> Tensor:
            return between(image, -max_delta, max_delta, seed)
    else:

        def function(image: Any, lower: float, upper: float, seed: Any = None) -> Tensor:  # type: ignore[misc]
            return between(image, lower, upper, seed)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name.replace('random', 'adjust')}` by a random number within the limits."
    return function


random_brightness = _random("random_brightness", adjust_brightness, True)
random_contrast = _random("random_contrast", adjust_contrast, False)
random_hue = _random("random_hue", adjust_hue, True)
random_saturation = _random("random_saturation", adjust_saturation, False)


def _stateless(random: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The same function with a seed of two integers, which alone say what comes out."""

    def function(*args: Any, seed: Any = None, **kwargs: Any) -> Tensor:
        args, pair = (args, seed) if seed is not None else (args[:-1], args[-1])
        return random(*args, seed=stateless_seed(pair), **kwargs)

    function.__name__ = function.__qualname__ = f"stateless_{random.__name__}"
    function.__doc__ = f"`{random.__name__}` as the two integers of `seed`, the last argument, say alone."
    return function


stateless_random_brightness = _stateless(random_brightness)
stateless_random_contrast = _stateless(random_contrast)
stateless_random_crop = _stateless(random_crop)
stateless_random_flip_left_right = _stateless(random_flip_left_right)
stateless_random_flip_up_down = _stateless(random_flip_up_down)
stateless_random_hue = _stateless(random_hue)
stateless_random_saturation = _stateless(random_saturation)


# --- measures -----------------------------------------------------------------------------------------------
def psnr(a: Any, b: Any, max_val: float, name: str | None = None) -> Any:
    """10 log10(max_val² / mean squared difference) of each image.

    Example:
        >>> import pycnn.tf as tf
        >>> round(float(tf.image.psnr([[[0.0]]], [[[0.1]]], 1.0)), 4)
        20.0
    """
    error = ops.mean(ops.square(ops.subtract(_floats(a), _floats(b))), axis=(-3, -2, -1))
    return as_tensor(ops.multiply(ops.log(ops.divide(max_val**2, error)), 10 / np.log(10)))


def ssim(
    img1: Any,
    img2: Any,
    max_val: float,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Any:
    """The structural similarity of images; see `keras.ops.image.ssim`."""
    return as_tensor(ops.image.ssim(_floats(img1), _floats(img2), max_val, filter_size, filter_sigma, k1, k2))


def total_variation(images: Any, name: str | None = None) -> Any:
    """The sum of the differences of neighbours, down and across, of each image."""
    x = _floats(images)
    down = ops.subtract(x[..., 1:, :, :], x[..., :-1, :, :])
    across = ops.subtract(x[..., 1:, :], x[..., :-1, :])
    parts = [ops.sum(ops.abs(part), axis=(-3, -2, -1)) for part in (down, across)]
    return as_tensor(ops.add(*parts))


def _floats(images: Any) -> Any:
    """Images as floats, where they are an array."""
    return images if is_traced(images) else as_array("image", images).astype(np.float32)


def extract_patches(
    images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Any:
    """The windows of images, each as one row of channels; see `keras.ops.image.extract_patches`."""
    given = [[int(n) for n in four][1:3] for four in (sizes, strides, rates)]
    return as_tensor(ops.image.extract_patches(images, *given, padding=padding.lower()))


__all__ = [
    "ResizeMethod",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "central_crop",
    "convert_image_dtype",
    "crop_to_bounding_box",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_jpeg",
    "encode_png",
    "extract_patches",
    "flip_left_right",
    "flip_up_down",
    "grayscale_to_rgb",
    "hsv_to_rgb",
    "pad_to_bounding_box",
    "per_image_standardization",
    "psnr",
    "random_brightness",
    "random_contrast",
    "random_crop",
    "random_flip_left_right",
    "random_flip_up_down",
    "random_hue",
    "random_saturation",
    "resize",
    "resize_with_crop_or_pad",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "rgb_to_yiq",
    "rgb_to_yuv",
    "rot90",
    "ssim",
    "stateless_random_brightness",
    "stateless_random_contrast",
    "stateless_random_crop",
    "stateless_random_flip_left_right",
    "stateless_random_flip_up_down",
    "stateless_random_hue",
    "stateless_random_saturation",
    "total_variation",
    "transpose",
    "yiq_to_rgb",
    "yuv_to_rgb",
]  # fmt: skip
