"""Batches of images in memory."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.preprocessing.image.iterator import ImageIterator, split_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class NumpyArrayIterator(ImageIterator):
    """Batches of arrays: x, (x, y) or (x, y, sample_weight).

    Args:
        x: images of shape (n, height, width, channels), or (n, channels, height, width); uint8 stay what they
            are until a batch is made. A pair (images, arrays) has further arrays that go with each image.
        y: labels or targets, or None.
        image_data_generator: which makes the images.
        batch_size: of all batches but the last of an epoch.
        shuffle: whether each epoch has an order of its own.
        sample_weight: a weight for each sample, or None.
        seed: of order and augmentation, as in `Iterator`.
        data_format: 'channels_last' or 'channels_first'.
        save_to_dir, save_prefix, save_format: where images are written, and how they are called.
        subset: 'training' or 'validation' for the generator's `validation_split`; None for all.
        ignore_class_split: whether a subset may lack classes that the other one has.
        dtype: of the batches.
        augment: whether images are augmented; None: where `subset` is not 'validation'.
        **kwargs: of `PyDataset`.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import numpy as np
        >>> from pycnn.preprocessing.image import ImageDataGenerator
        >>> batches = ImageDataGenerator().flow(np.zeros((5, 8, 8, 3)), np.arange(5), batch_size=2)
        >>> x, y = next(batches)
        >>> x.shape, y.shape
        ((2, 8, 8, 3), (2,))
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: DTypeLike | None = None,
        *,
        augment: bool | None = None,
        **kwargs: Any,
    ) -> None:
        further: list[Any] = []
        if isinstance(x, (tuple, list)):
            if len(x) != 2:
                raise ValueError(
                    f"`x` is a {type(x).__name__} of {len(x)}; expected an array, or (images, arrays)"
                )
            further = list(x[1]) if isinstance(x[1], list) else [x[1]]
            x = x[0]
        images = np.asarray(x)
        if images.ndim != 4 or images.dtype.kind not in "biuf":
            raise ValueError(
                f"`x` has shape {images.shape} and dtype {images.dtype}; expected numbers with 4 axes, "
                "the first of images"
            )
        arrays: dict[str, NDArray[Any] | None]
        arrays = {f"x[1][{i}]": np.asarray(array) for i, array in enumerate(further)}
        arrays |= {"y": _array_or_none(y), "sample_weight": _array_or_none(sample_weight)}
        for name, array in arrays.items():
            if array is not None and (array.ndim == 0 or len(array) != len(images)):
                raise ValueError(f"`{name}` has shape {array.shape}, but `x` has {len(images)} images")
        part = slice(None)
        if (split := split_of(subset, image_data_generator)) is not None:
            cut = int(len(images) * image_data_generator._validation_split)
            if arrays["y"] is not None and not ignore_class_split:
                _check_classes(arrays["y"], cut)
            part = slice(0, cut) if split[0] == 0 and subset == "validation" else slice(cut, None)
        channels = images.shape[1 if data_format == "channels_first" else 3]
        if channels > images.shape[2] and channels not in (1, 3, 4):
            warnings.warn(
                f"`x` of shape {images.shape} has {channels} channels, more than pixels in a row or column: "
                "is `data_format` right?",
                stacklevel=3,
            )
        super().__init__(
            len(images[part]),
            batch_size,
            shuffle,
            seed,
            image_data_generator,
            data_format or "channels_last",
            save_to_dir,
            save_prefix,
            save_format,
            subset,
            augment,
            np.float32 if dtype is None else dtype,
            **kwargs,
        )
        images = images[part]
        self.x = (
            np.ascontiguousarray(images) if images.dtype == np.uint8 else np.require(images, self.dtype, "C")
        )
        self.x_misc = [array[part] for name, array in arrays.items() if array is not None and name[0] == "x"]
        self.y = None if arrays["y"] is None else arrays["y"][part]
        self.sample_weight = None if arrays["sample_weight"] is None else arrays["sample_weight"][part]

    def _make(self, indices: NDArray[np.int64], epoch: int) -> Any:
        images = self._images(self.x, indices, indices, epoch, self.dtype)
        x: Any = [images, *(array[indices] for array in self.x_misc)] if self.x_misc else images
        if self.y is None:
            return x
        if self.sample_weight is None:
            return x, self.y[indices]
        return x, self.y[indices], self.sample_weight[indices]


def _array_or_none(value: Any) -> NDArray[Any] | None:
    return None if value is None else np.asarray(value)


def _check_classes(y: NDArray[Any], cut: int) -> None:
    if not np.array_equal(np.unique(y[:cut]), np.unique(y[cut:])):
        raise ValueError(
            "The subsets for training and validation have not the same classes. Shuffle the arrays if they "
            "are sorted by class, or say ignore_class_split=True"
        )
