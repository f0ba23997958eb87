"""Images whose values are shifted or scaled; random ones of these and of affine maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pycnn.core import seeds
from pycnn.core.arguments import as_number
from pycnn.preprocessing.image.affine import COMPAT, apply_affine_transform
from pycnn.preprocessing.image.parameters import pair_of
from pycnn.utils.images import array_to_img, check_choice, img_to_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


F = TypeVar("F", bound=Callable[..., Any])


def apply_channel_shift(x: ArrayLike, intensity: float, channel_axis: int = 0) -> NDArray[Any]:
    """An image with `intensity` added to its values, which stay within the range that they had.

    Args:
        x: an image.
        intensity: what is added.
        channel_axis: has no effect, as all channels get the same.

    Returns:
        An array of x's shape, of its dtype if that is a floating-point type, else float32.

    Example:
        >>> from pycnn.preprocessing.image import apply_channel_shift
        >>> apply_channel_shift([[[0.0, 5.0, 8.0]]], 4.0)
        array([[[4., 8., 8.]]])
    """
    image = _floats("apply_channel_shift", x)
    shifted = image + image.dtype.type(as_number("intensity", intensity))
    return np.asarray(np.clip(shifted, image.min(), image.max()))


def apply_brightness_shift(
    x: ArrayLike, brightness: float, scale: bool = True, *, compat: str | None = None
) -> NDArray[Any]:
    """An image whose values are `brightness` times as far from black, at most white.

    Black and white are 0 and 255, or 0 and 1 where no value is larger. If values lie outside of [0, 255],
    they are the smallest and the largest one.

    Args:
        x: an image of any number of channels.
        brightness: the factor; 1 changes nothing.
        scale: whether values are stretched first, the smallest to 0 and the largest to 255.
        compat: 'keras' cuts values to 8 bits, as Keras does by computing with Pillow, so that images in
            [0, 1] become black.

    Returns:
        An array of x's shape, of its dtype if that is a floating-point type, else float32.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> from pycnn.preprocessing.image import apply_brightness_shift
        >>> apply_brightness_shift([[[0.0, 0.25, 0.75]]], 2.0, scale=False)
        array([[[0. , 0.5, 1. ]]])
    """
    check_choice("compat", compat, COMPAT)
    factor = as_number("brightness", brightness)
    image = _floats("apply_brightness_shift", x)
    if compat == "keras":
        return _brightness_of_pillow(image, factor, scale)
    low, high = image.min(), image.max()
    if scale:
        image = (image - low) * (255 / (high - low) if high > low else 1)
        low, high = image.dtype.type(0), image.dtype.type(255)
    elif low >= 0 and high <= 255:
        low, high = image.dtype.type(0), image.dtype.type(1 if high <= 1 else 255)
    return np.asarray(np.clip((image - low) * image.dtype.type(factor) + low, low, high))


def _brightness_of_pillow(image: NDArray[Any], factor: float, scale: bool) -> NDArray[Any]:
    from PIL import ImageEnhance

    low, high = image.min(), image.max()
    beyond = bool(low < 0 or high > 255)
    bytes_ = array_to_img(image, scale=beyond or scale)
    bright = img_to_array(ImageEnhance.Brightness(bytes_).enhance(factor), dtype=image.dtype)
    return bright if scale or not beyond else bright / 255 * (high - low) + low


def _floats(function: str, x: ArrayLike) -> NDArray[Any]:
    image = np.asarray(x)
    if image.dtype.kind not in "biuf" or image.size == 0:
        raise ValueError(f"{function}: x has shape {image.shape} and dtype {image.dtype}; expected numbers")
    return image if image.dtype.kind == "f" else image.astype(np.float32)


# --- random ones --------------------------------------------------------------------------------------------
def _uniform(low: float, high: float, n: int = 1) -> list[float]:
    generator = np.random.default_rng(seeds.next_seed())
    return [float(number) for number in generator.uniform(low, high, n)]


_RANDOM = """{summary}

    The random numbers follow from `keras.utils.set_random_seed`, and leave NumPy's alone.

    Args:
        x: an image of three axes.
{args}{affine}
    Returns:
        An array of x's shape, of its dtype if that is a floating-point type, else float32.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import numpy as np
        >>> from pycnn.preprocessing.image import {name}
        >>> {name}(np.ones((8, 8, 3)), {example}).shape
        (8, 8, 3)
    """
_AFFINE = """        row_axis, col_axis, channel_axis: of x.
        fill_mode, cval, interpolation_order: as in `apply_affine_transform`.
"""


def _documented(summary: str, args: str, example: str, affine: bool = True) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        function.__doc__ = _RANDOM.format(
            summary=summary,
            args=args,
            affine=_AFFINE + "\n" if affine else "\n",
            name=function.__name__,
            example=example,
        )
        return function

    return decorate


_AXES = "row_axis=0, col_axis=1, channel_axis=2"


@_documented(
    "An image turned by a random angle.",
    "        rg: the largest angle in degrees, in both directions.\n",
    f"40, {_AXES}",
)
def random_rotation(
    x: ArrayLike,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> NDArray[Any]:
    (theta,) = _uniform(-as_number("rg", rg), as_number("rg", rg))
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, theta, 0, 0, 0, 1, 1, *axes, fill_mode, cval, interpolation_order)


@_documented(
    "An image shifted at random.",
    "        wrg: the largest shift sideways, as a fraction of the width.\n"
    "        hrg: the largest shift up and down, as a fraction of the height.\n",
    f"0.2, 0.1, {_AXES}",
)
def random_shift(
    x: ArrayLike,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> NDArray[Any]:
    shape = np.shape(x)
    if len(shape) != 3 or sorted((row_axis, col_axis, channel_axis)) != [0, 1, 2]:
        raise ValueError(
            f"random_shift: x has shape {shape}; expected 3 axes, of which the axes given are 0, 1, 2"
        )
    across, down = _uniform(-1.0, 1.0, 2)
    tx = across * as_number("wrg", wrg) * shape[col_axis]
    ty = down * as_number("hrg", hrg) * shape[row_axis]
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, 0, tx, ty, 0, 1, 1, *axes, fill_mode, cval, interpolation_order)


@_documented(
    "An image sheared by a random angle.",
    "        intensity: the largest angle in degrees, in both directions.\n",
    f"10, {_AXES}",
)
def random_shear(
    x: ArrayLike,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> NDArray[Any]:
    (shear,) = _uniform(-as_number("intensity", intensity), as_number("intensity", intensity))
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, 0, 0, 0, shear, 1, 1, *axes, fill_mode, cval, interpolation_order)


@_documented(
    "An image zoomed at random, along each axis by a factor of its own.",
    "        zoom_range: the lowest and the highest factor; above 1 shrinks what is seen.\n",
    f"(0.8, 1.2), {_AXES}",
)
def random_zoom(
    x: ArrayLike,
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> NDArray[Any]:
    zx, zy = _uniform(*pair_of("zoom_range", zoom_range), n=2)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, 0, 0, 0, 0, zx, zy, *axes, fill_mode, cval, interpolation_order)


@_documented(
    "An image with a random number added to its values, which stay within the range that they had.",
    "        intensity_range: the largest number, in both directions.\n"
    "        channel_axis: has no effect.\n",
    "0.1",
    affine=False,
)
def random_channel_shift(x: ArrayLike, intensity_range: float, channel_axis: int = 0) -> NDArray[Any]:
    limit = as_number("intensity_range", intensity_range)
    return apply_channel_shift(x, _uniform(-limit, limit)[0], channel_axis)


@_documented(
    "An image of random brightness.",
    "        brightness_range: the lowest and the highest factor.\n"
    "        scale: as in `apply_brightness_shift`.\n",
    "(0.5, 1.5)",
    affine=False,
)
def random_brightness(x: ArrayLike, brightness_range: Sequence[float], scale: bool = True) -> NDArray[Any]:
    (factor,) = _uniform(*pair_of("brightness_range", brightness_range))
    return apply_brightness_shift(x, factor, scale)
