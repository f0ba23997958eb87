"""What iterators over images have in common: order, epochs, seeds and batches made ahead."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import _core
from pycnn.core import seeds
from pycnn.core.arguments import as_int
from pycnn.utils.dataset import PyDataset
from pycnn.utils.images import array_to_img, check_choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUBSETS = ("training", "validation", None)


class Iterator(PyDataset):
    """Base of iterators over images: define `_get_batches_of_transformed_samples`.

    As a sequence it has `len(self)` batches for one epoch, and `on_epoch_end` begins the next; as an iterator
    it goes on from epoch to epoch without an end. Order and augmentation depend on the seed, the epoch and
    the number of a sample only.

    Args:
        n: number of samples.
        batch_size: of all batches but the last of an epoch.
        shuffle: whether each epoch has an order of its own.
        seed: an integer in [0, 2**32); None draws one, which follows from `keras.utils.set_random_seed`.
        **kwargs: of `PyDataset`.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> from pycnn.preprocessing.image import Iterator
        >>> class Numbers(Iterator):
        ...     def _get_batches_of_transformed_samples(self, index_array):
        ...         return index_array
        >>> numbers = Numbers(3, batch_size=2, shuffle=False, seed=None)
        >>> len(numbers), numbers[1].tolist(), next(numbers).tolist()
        (2, [2], [0, 1])
    """

    white_list_formats = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = as_int("n", n, 0)
        self.batch_size = as_int("batch_size", batch_size, 1)
        self.shuffle = shuffle
        self.seed = seed
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.epoch = 0
        self._key = seeds.next_seed() if seed is None else seeds.checked_seed(seed)
        self._order: tuple[int, NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    @property
    def index_array(self) -> NDArray[np.int64]:
        """The samples in the order of this epoch."""
        return self._order_of(self.epoch)

    def _order_of(self, epoch: int) -> NDArray[np.int64]:
        if not self.shuffle:
            epoch = 0
        known = self._order
        if known is None or known[0] != epoch:
            order = np.arange(self.n)
            if self.shuffle:
                np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, 0, epoch])).shuffle(order)
            known = self._order = epoch, order
        return known[1]

    def _indices(self, epoch: int, batch: int) -> NDArray[np.int64]:
        return self._order_of(epoch)[batch * self.batch_size : (batch + 1) * self.batch_size]

    def __getitem__(self, index: int) -> Any:
        number = as_int("index", index, -len(self))
        if number < 0:
            number += len(self)
        if number >= len(self):
            raise IndexError(f"There is no batch {index}: an epoch has {len(self)}")
        with self.lock:
            self.total_batches_seen += 1
            epoch = self.epoch
            indices = self._indices(epoch, number)
        return self._make(indices, epoch)

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        if self.n == 0:
            raise ValueError(f"This {type(self).__name__} has no samples")
        with self.lock:
            epoch, batch = self.epoch, self.batch_index
            self.total_batches_seen += 1
            self.batch_index = (batch + 1) % len(self)
            if self.batch_index == 0:
                self.epoch += 1
            indices = self._indices(epoch, batch)
        return self._next_batch(indices, epoch, batch)

    next = __next__

    def _next_batch(self, indices: NDArray[np.int64], epoch: int, batch: int) -> Any:
        return self._make(indices, epoch)

    def on_epoch_end(self) -> None:
        """Begins the next epoch."""
        with self.lock:
            self.epoch += 1
            self.batch_index = 0

    def reset(self) -> None:
        """The next batch is the first of an epoch: of a new one, if this one has begun."""
        with self.lock:
            if self.batch_index:
                self.epoch += 1
            self.batch_index = 0

    def _make(self, indices: NDArray[np.int64], epoch: int) -> Any:
        """The batch of these samples. Depends on its arguments only."""
        return self._get_batches_of_transformed_samples(indices)

    def _get_batches_of_transformed_samples(self, index_array: NDArray[np.int64]) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} defines no _get_batches_of_transformed_samples, the batch of samples"
        )


class ImageIterator(Iterator):
    """Base of iterators whose images an `ImageDataGenerator` makes.

    Args:
        n, batch_size, shuffle, seed: as in `Iterator`.
        image_data_generator: None leaves images as they are.
        data_format: 'channels_last' or 'channels_first'.
        save_to_dir: an existing folder to which all images are written.
        save_prefix: of their names.
        save_format: of the files.
        subset: 'training', 'validation' or None.
        augment: whether images are augmented; None: where `subset` is not 'validation'.
        dtype: of the batches.
        **kwargs: of `PyDataset`.
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        image_data_generator: Any,
        data_format: str,
        save_to_dir: str | os.PathLike[str] | None,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        augment: bool | None,
        dtype: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(n, batch_size, shuffle, seed, **kwargs)
        check_choice("subset", subset, SUBSETS)
        if save_to_dir is not None and not os.path.isdir(save_to_dir):
            raise FileNotFoundError(f"`save_to_dir` is {str(save_to_dir)!r}, which is no folder")
        self.image_data_generator = image_data_generator
        self.data_format = data_format
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.subset = subset
        as_keras = getattr(image_data_generator, "compat", None) == "keras"
        self.augment = (subset != "validation" or as_keras) if augment is None else bool(augment)
        self.dtype = np.dtype(dtype).name

    def _images(
        self,
        x: NDArray[Any],
        rows: NDArray[np.int64] | None,
        samples: NDArray[np.int64],
        epoch: int,
        dtype: str,
    ) -> NDArray[Any]:
        """The images x[rows] of these samples as a batch has them; computed in `dtype`."""
        if self.image_data_generator is None:
            batch = (x if rows is None else x[rows]).astype(self.dtype)  # a copy
        else:
            batch = self.image_data_generator._batch(x, rows, samples, self._key, epoch, self.augment, dtype)
        return self._finished(batch, samples, epoch)

    def _finished(self, batch: NDArray[Any], samples: NDArray[np.int64], epoch: int) -> NDArray[Any]:
        """Images that are computed, in the batches' dtype; they are saved where that is asked for."""
        batch = batch.astype(self.dtype, copy=False)
        if self.save_to_dir is not None:
            self._save(batch, samples, epoch)
        return np.asarray(batch)

    def _save(self, batch: NDArray[Any], samples: NDArray[np.int64], epoch: int) -> None:
        numbers = (_core.random_uniforms(self._key + 1, epoch, samples, 1)[:, 0] * 1e7).astype(np.int64)
        for image, sample, number in zip(batch, samples.tolist(), numbers.tolist(), strict=True):
            name = f"{self.save_prefix}_{sample}_{number}.{self.save_format}"
            array_to_img(image, self.data_format).save(os.path.join(str(self.save_to_dir), name))

    def _get_batches_of_transformed_samples(self, index_array: NDArray[np.int64]) -> Any:
        return self._make(np.asarray(index_array, np.int64), self.epoch)


def split_of(subset: str | None, image_data_generator: Any) -> tuple[float, float] | None:
    """The part of the samples that is a subset."""
    check_choice("subset", subset, SUBSETS)
    if subset is None:
        return None
    fraction = getattr(image_data_generator, "_validation_split", 0.0)
    if not fraction and subset == "validation":
        raise ValueError("`subset` is 'validation', but the generator has no `validation_split`")
    return (0.0, fraction) if subset == "validation" else (fraction, 1.0)
