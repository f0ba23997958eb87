"""Images resized without distortion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import _core
from pycnn.core.resizing import METHODS, resized
from pycnn.preprocessing.image.affine import as_core_images
from pycnn.utils.images import check_choice, checked_size, is_channels_first

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ORDERS = {"nearest": 0, "bilinear": 1}  # of those that the core computes


def smart_resize(
    x: ArrayLike, size: Sequence[int], interpolation: str = "bilinear", data_format: str = "channels_last"
) -> NDArray[np.float32]:
    """The largest part in the middle of images that has the target's proportions, resized to it.

    Args:
        x: (height, width, channels), with an axis of images before them or not.
        size: (height, width) of the result.
        interpolation: 'bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian' or
            'mitchellcubic', of pixels whose centers lie at halves.
        data_format: 'channels_last', or 'channels_first' where channels come before the height.

    Returns:
        A float32 array of x's shape with the new height and width.

    Raises:
        ValueError: if an argument is wrong.

    Example:
        >>> import numpy as np
        >>> from pycnn.preprocessing.image import smart_resize
        >>> smart_resize(np.zeros((340, 500, 3)), (200, 200)).shape
        (200, 200, 3)
    """
    height, width = checked_size("size", size)
    check_choice("interpolation", interpolation, METHODS)
    images = np.asarray(x)
    if images.ndim not in (3, 4) or images.dtype.kind not in "biuf":
        raise ValueError(f"smart_resize: x has shape {images.shape}; expected numbers of 3 or 4 axes")
    if first := is_channels_first(data_format):
        images = np.moveaxis(images, -3, -1)
    batch = images if images.ndim == 4 else images[None]
    y = _resized_part(batch, height, width, interpolation)
    if first:
        y = np.moveaxis(y, -1, -3)
    return np.ascontiguousarray(y if images.ndim == 4 else y[0])


def _resized_part(batch: NDArray[Any], height: int, width: int, interpolation: str) -> NDArray[np.float32]:
    h, w = batch.shape[1:3]
    part_h, part_w = max(min(h, w * height // width), 1), max(min(w, h * width // height), 1)
    top, left = (h - part_h) // 2, (w - part_w) // 2
    part = as_core_images(batch[:, top : top + part_h, left : left + part_w])
    if interpolation not in _ORDERS:
        return np.asarray(resized(part, (height, width), interpolation), np.float32)
    down, across = part_h / height, part_w / width
    matrix = np.array([down, 0, down / 2 - 0.5, 0, across, across / 2 - 0.5])
    return _core.augment_images(
        part, None, np.tile(matrix, (len(part), 1)), size=(height, width), order=_ORDERS[interpolation]
    )
