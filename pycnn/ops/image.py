"""Keras' `keras.ops.image`: images (h, w, c) or (n, h, w, c) as symbols, Tensors or arrays, channels last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core.arguments import as_int, as_number
from pycnn.core.colors import GRAY
from pycnn.core.data_format import image_data_format
from pycnn.core.operations.arithmetic import add, divide, multiply
from pycnn.core.operations.elementwise import square
from pycnn.core.operations.joining import concatenate
from pycnn.core.operations.padding import pad
from pycnn.core.operations.products import einsum
from pycnn.core.operations.reductions import mean
from pycnn.core.operations.reductions import sum as sum_over
from pycnn.core.operations.selection import get_item, take
from pycnn.core.operations.shapes import expand_dims
from pycnn.core.resizing import KERNELS, nearest, weights


def _sizes(name: str, images: Any, data_format: str | None) -> tuple[int, int, int]:
    """Height, width and channels; ValueError where there are none."""
    if (data_format or image_data_format()) != "channels_last":
        raise ValueError(f"{name}: data_format is {data_format!r}; expected 'channels_last'")
    shape = images.shape if hasattr(images, "shape") else np.shape(images)
    if len(shape) not in (3, 4) or None in shape[-3:]:
        raise ValueError(f"{name}: images have shape {tuple(shape)}; expected (h, w, c) or (n, h, w, c)")
    return shape[-3], shape[-2], shape[-1]


def _rank(images: Any) -> int:
    return len(images.shape if hasattr(images, "shape") else np.shape(images))


def _pair(name: str, value: Any, minimum: int = 1) -> tuple[int, int]:
    given = value if isinstance(value, (tuple, list, np.ndarray)) else (value, value)
    if len(given) != 2:
        raise ValueError(f"{name} is {value!r}; expected an integer or a pair (height, width)")
    return as_int(name, given[0], minimum), as_int(name, given[1], minimum)


def resize(
    images: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Any:
    """Images in another size; centers of pixels are at halves.

    Args:
        images: (h, w, c) or (n, h, w, c).
        size: (height, width) of the result.
        interpolation: 'bilinear', 'nearest', 'bicubic', 'lanczos3' or 'lanczos5'.
        antialias: whether images that become smaller are smoothed before.
        crop_to_aspect_ratio: only False; `keras.layers.Resizing` crops.
        pad_to_aspect_ratio: only False; `keras.layers.Resizing` pads.
        fill_mode: has no effect without padding, as `fill_value`.
        fill_value: the same.
        data_format: None or 'channels_last'.

    Returns:
        A symbol for a symbol, else a float32 array.

    Raises:
        TypeError, ValueError: if an argument is wrong or not supported.

    Source: keras.ops.image.resize.

    >>> from pycnn import ops
    >>> ops.image.resize([[[0.0], [2.0]]], (1, 4)).ravel().tolist()
    [0.0, 0.5, 1.5, 2.0]
    """
    h, w, _ = _sizes("resize", images, data_format)
    rows, columns = _pair("resize: size", size)
    if crop_to_aspect_ratio or pad_to_aspect_ratio:
        raise ValueError("resize: crop_to_aspect_ratio and pad_to_aspect_ratio are those of layers.Resizing")
    if interpolation not in (*KERNELS, "nearest"):
        raise ValueError(f"resize: interpolation is {interpolation!r}; expected 'bilinear', 'nearest', ...")
    for axis, old, new in ((-3, h, rows), (-2, w, columns)):
        if old == new:
            continue
        if interpolation == "nearest":
            images = take(images, nearest(old, new), axis=axis)
            continue
        lines = weights(interpolation, old, new, antialias).T.astype(np.float32)
        batch = "n" if _rank(images) == 4 else ""
        first, last = ("hwc", "awc") if axis == -3 else ("whc", "wac")
        images = einsum(f"{batch}{first},ha->{batch}{last}", images, lines)
    return images if hasattr(images, "shape") else np.asarray(images, np.float32)


def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """Images of one channel: 0.2989 red + 0.587 green + 0.114 blue.

    Args:
        images: (h, w, 3) or (n, h, w, 3).
        data_format: None or 'channels_last'.

    Returns:
        A symbol for a symbol, else a float32 array.

    Raises:
        ValueError: if there are not three channels.

    Source: ITU-R BT.601.

    >>> from pycnn import ops
    >>> ops.image.rgb_to_grayscale([[[1.0, 1.0, 0.0]]]).shape
    (1, 1, 1)
    """
    if (channels := _sizes("rgb_to_grayscale", images, data_format)[2]) != 3:
        raise ValueError(f"rgb_to_grayscale: images have {channels} channels; expected 3 colors")
    return sum_over(multiply(images, GRAY), axis=-1, keepdims=True)


def extract_patches(
    images: Any,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """The windows of images, each as one row of channels: of its pixels in order, all channels of each.

    Args:
        images: (h, w, c) or (n, h, w, c).
        size: of windows, one integer or (height, width).
        strides: from one window to the next; None for `size`.
        dilation_rate: distance of pixels of a window.
        padding: 'valid' or 'same', with zeros.
        data_format: None or 'channels_last'.

    Returns:
        (n, rows of windows, windows in a row, height * width * c)

    Raises:
        TypeError, ValueError: if an argument is wrong or not supported.

    Source: keras.ops.image.extract_patches.

    >>> import numpy as np
    >>> from pycnn import ops
    >>> ops.image.extract_patches(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, 0].tolist()
    [[0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0]]
    """
    sizes = _sizes("extract_patches", images, data_format)[:2]
    window = _pair("extract_patches: size", size)
    steps = window if strides is None else _pair("extract_patches: strides", strides)
    gaps = _pair("extract_patches: dilation_rate", dilation_rate)
    if padding not in ("valid", "same"):
        raise ValueError(f"extract_patches: padding is {padding!r}; expected 'valid' or 'same'")
    spans = [(k - 1) * d + 1 for k, d in zip(window, gaps, strict=True)]
    counts, before = [], [0, 0]
    if padding == "same":
        counts = [-(-n // s) for n, s in zip(sizes, steps, strict=True)]
        missing = [
            max((c - 1) * s + k - n, 0) for c, s, k, n in zip(counts, steps, spans, sizes, strict=True)
        ]
        before = [n // 2 for n in missing]
        edges = [(b, n - b) for b, n in zip(before, missing, strict=True)]
        batch = [(0, 0)] if _rank(images) == 4 else []
        images = pad(images, [*batch, *edges, (0, 0)])
    else:
        counts = [(n - k) // s + 1 for n, k, s in zip(sizes, spans, steps, strict=True)]
        if min(counts) < 1:
            raise ValueError(f"extract_patches: windows {tuple(spans)} are larger than images {sizes}")
    ends = [(c - 1) * s + 1 for c, s in zip(counts, steps, strict=True)]
    parts = []
    for i in range(window[0]):
        for j in range(window[1]):
            top, left = i * gaps[0], j * gaps[1]
            rows, columns = slice(top, top + ends[0], steps[0]), slice(left, left + ends[1], steps[1])
            parts.append(_window(images, rows, columns))
    return concatenate(parts, axis=-1)


def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Images with zeros around them; two of the three numbers of each direction say how many.

    Args:
        images: (h, w, c) or (n, h, w, c).
        top_padding, bottom_padding, target_height: rows above, below and of the result.
        left_padding, right_padding, target_width: columns before, behind and of the result.
        data_format: None or 'channels_last'.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if there are too few numbers or too many, or one is negative.

    Source: keras.ops.image.pad_images.

    >>> from pycnn import ops
    >>> ops.image.pad_images([[[1.0]]], 1, 0, target_height=2, target_width=2).shape
    (2, 2, 1)
    """
    h, w, _ = _sizes("pad_images", images, data_format)
    rows = _edges("pad_images", "height", top_padding, bottom_padding, target_height, h, 1)
    columns = _edges("pad_images", "width", left_padding, right_padding, target_width, w, 1)
    return pad(images, [*[(0, 0)] * (_rank(images) - 3), rows, columns, (0, 0)])


def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Images without some rows and columns; two of the three numbers of each direction say how many.

    Args:
        images: (h, w, c) or (n, h, w, c).
        top_cropping, bottom_cropping, target_height: rows above, below and of the result.
        left_cropping, right_cropping, target_width: columns before, behind and of the result.
        data_format: None or 'channels_last'.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        ValueError: if there are too few numbers or too many, or one is negative.

    Source: keras.ops.image.crop_images.

    >>> from pycnn import ops
    >>> ops.image.crop_images([[[1.0], [2.0]]], 0, 1, target_height=1, target_width=1).ravel().tolist()
    [2.0]
    """
    h, w, _ = _sizes("crop_images", images, data_format)
    top, below = _edges("crop_images", "height", top_cropping, bottom_cropping, target_height, h, -1)
    left, right = _edges("crop_images", "width", left_cropping, right_cropping, target_width, w, -1)
    return _window(images, slice(top, h - below), slice(left, w - right))


def _window(images: Any, rows: slice, columns: slice) -> Any:
    """Some rows and columns of images, with all channels."""
    images = images if hasattr(images, "shape") else np.asarray(images, np.float32)
    return get_item(images, (*(slice(None),) * (len(images.shape) - 3), rows, columns))


def _edges(
    name: str, what: str, before: Any, after: Any, target: Any, size: int, sign: int
) -> tuple[int, int]:
    """Lines at both ends; sign is 1 where they are added and -1 where they are taken away."""
    if sum(x is None for x in (before, after, target)) != 1:
        raise ValueError(f"{name}: expected two of the three numbers that say the {what}, not all or fewer")
    if target is not None:
        rest = sign * (as_int(f"{name}: target_{what}", target, 1) - size)
        before, after = (rest - after, after) if before is None else (before, rest - before)
    low, high = int(before), int(after)
    if low < 0 or high < 0 or (sign < 0 and low + high >= size):
        raise ValueError(f"{name}: {low} and {high} lines do not fit a {what} of {size}")
    return low, high


def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Any:
    """The structural similarity of images, 1 for the same ones: the mean over pixels and channels.

    Args:
        image1: (h, w, c) or (n, h, w, c).
        image2: of the same shape.
        max_val: the largest value that pixels may have.
        filter_size: of the Gaussian window, in pixels; at most the images' size.
        filter_sigma: its standard deviation in pixels.
        k1: keeps the quotient of means from 0 / 0.
        k2: keeps that of variances from it.
        data_format: None or 'channels_last'.

    Returns:
        One number for each image.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Source: Wang et al., Image quality assessment: from error visibility to structural similarity, 2004.

    >>> import numpy as np
    >>> from pycnn import ops
    >>> round(float(ops.image.ssim(np.eye(16)[:, :, None], np.eye(16)[:, :, None])), 5)
    1.0
    """
    h, w, _ = _sizes("ssim", image1, data_format)
    _sizes("ssim", image2, data_format)
    size = as_int("ssim: filter_size", filter_size, 1)
    if size > min(h, w):
        raise ValueError(f"ssim: filter_size is {size}; expected at most {min(h, w)}, as images are {(h, w)}")
    sigma, largest = as_number("ssim: filter_sigma", filter_sigma), as_number("ssim: max_val", max_val)
    window = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    window /= window.sum()
    single = _rank(image1) == 3
    x, y = (expand_dims(image, 0) if single else image for image in (image1, image2))

    def smoothed(images: Any) -> Any:
        for old, subscripts in ((h, "nhwc,ha->nawc"), (w, "nawc,wb->nabc")):
            lines = np.zeros((old, old - size + 1), np.float32)
            for i in range(old - size + 1):
                lines[i : i + size, i] = window
            images = einsum(subscripts, images, lines)
        return images

    of_means, of_variances = (as_number("ssim: k", k) * largest for k in (k1, k2))
    mean_x, mean_y = smoothed(x), smoothed(y)
    product = multiply(mean_x, mean_y)
    squares = add(square(mean_x), square(mean_y))
    covariance = smoothed(multiply(x, y)) - product
    variances = smoothed(add(square(x), square(y))) - squares
    above = multiply(product * 2.0 + of_means**2, covariance * 2.0 + of_variances**2)
    below = multiply(squares + of_means**2, variances + of_variances**2)
    found = mean(divide(above, below), axis=(1, 2, 3))
    return get_item(found, 0) if single else found


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"module 'pycnn.ops.image' has no attribute {name!r}; it has {', '.join(__all__)}. keras.layers and "
        f"pycnn.preprocessing.image change images, too, and pycnn.filters has image kernels"
    )


__all__ = ["crop_images", "extract_patches", "pad_images", "resize", "rgb_to_grayscale", "ssim"]
