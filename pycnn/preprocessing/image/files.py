"""Batches of picture files, which threads read ahead."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_int
from pycnn.preprocessing.image.iterator import ImageIterator
from pycnn.utils.images import (
    COLOR_MODES,
    INTERPOLATIONS,
    JPEG_DECODERS,
    check_choice,
    checked_size,
    is_channels_first,
    load_img,
    load_small,
)

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from numpy.typing import NDArray

ON_ERROR = ("raise", "skip")


class Reading(NamedTuple):
    """How picture files become arrays of one shape."""

    target_size: tuple[int, int]
    color_mode: str
    interpolation: str
    keep_aspect_ratio: bool
    orientation: bool
    jpeg_decoder: str

    @property
    def decodes_small(self) -> bool:
        """Whether JPEGs may keep the size at which they are decoded, where a later pass resizes them."""
        linear = self.interpolation in ("nearest", "bilinear")
        return self.jpeg_decoder == "simplejpeg" and linear and not self.keep_aspect_ratio

    def read(self, path: str, small: bool = False) -> NDArray[Any]:
        """(height, width, channels), uint8, or float32 where grey pictures have more bits.

        Where `small`, JPEGs keep the size at which they are decoded.
        """
        options: dict[str, Any] = {"orientation": self.orientation, "jpeg_decoder": self.jpeg_decoder}
        kind, size, interpolation = self.color_mode, self.target_size, self.interpolation
        if small:
            pixels = load_small(path, kind, size, interpolation, **options)
        else:
            pixels = np.asarray(load_img(path, kind, size, interpolation, self.keep_aspect_ratio, **options))
        pixels = pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)
        return pixels[:, :, None] if pixels.ndim == 2 else pixels


class Picture(NamedTuple):
    """What was read of a file."""

    pixels: NDArray[Any]
    is_finished: bool  # augmented and standardized


class Unreadable(NamedTuple):
    """A picture that was left out of a batch."""

    path: str
    reason: str


class Ahead(NamedTuple):
    """A batch whose pictures are being read."""

    epoch: int
    batch: int
    indices: NDArray[np.int64]
    pictures: list[Future[Any]]


class FileIterator(ImageIterator):
    """Base of iterators over picture files: define `filepaths`, `labels`, `sample_weight` and `class_mode`.

    Args:
        n, batch_size, shuffle, seed: as in `Iterator`.
        reading: how files become arrays.
        on_error: 'raise', or 'skip' to leave out of its batch what cannot be read: `skipped` lists it.
        workers: threads that read pictures; None for pycnn's number of threads.
        max_queue_size: batches that are read ahead by `next`.
        **kwargs: of `ImageIterator`.
    """

    class_mode: str | None
    class_indices: dict[Any, int]

    def __init__(
        self,
        n: int,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        reading: Reading,
        on_error: str,
        workers: int | None,
        max_queue_size: int,
        **kwargs: Any,
    ) -> None:
        check_choice("on_error", on_error, ON_ERROR)
        threads = _core.get_num_threads() if workers is None else as_int("workers", workers, 0)
        super().__init__(
            n,
            batch_size,
            shuffle,
            seed,
            workers=max(threads, 1),
            max_queue_size=as_int("max_queue_size", max_queue_size, 1),
            **kwargs,
        )
        self.reading = reading
        self.target_size = reading.target_size
        self.color_mode = reading.color_mode
        self.interpolation = reading.interpolation
        self.keep_aspect_ratio = reading.keep_aspect_ratio
        channels = COLOR_MODES[reading.color_mode]
        first = is_channels_first(self.data_format)
        self.image_shape = (channels, *self.target_size) if first else (*self.target_size, channels)
        self.on_error = on_error
        self.skipped: list[Unreadable] = []
        self._ahead: deque[Ahead] = deque()
        self._ahead_lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    @property
    def filepaths(self) -> list[str]:
        """The path of each sample."""
        raise NotImplementedError(f"{type(self).__name__} defines no `filepaths`")

    @property
    def labels(self) -> Any:
        """The label of each sample."""
        raise NotImplementedError(f"{type(self).__name__} defines no `labels`")

    @property
    def sample_weight(self) -> Any:
        """The weight of each sample, or None."""
        raise NotImplementedError(f"{type(self).__name__} defines no `sample_weight`")

    def _path(self, sample: int) -> str:
        return self.filepaths[sample]

    # --- reading --------------------------------------------------------------------------------------------
    def _augments_pictures(self) -> bool:
        """Whether the threads that read pictures also resize and augment them, each in one pass."""
        generator = self.image_data_generator
        return (
            self.augment
            and self.reading.decodes_small
            and generator is not None
            and generator.data_format == self.data_format
            and generator.resizes()
        )

    def _read(self, sample: int, epoch: int, augments: bool) -> Picture | Unreadable:
        path = self._path(sample)
        try:
            pixels = self.reading.read(path, augments)
            if augments:
                generator, size = self.image_data_generator, self.target_size
                pixels = generator.of_picture(pixels, size, sample, self._key, epoch)
            return Picture(pixels, augments)
        except (ValueError, OSError) as error:
            if self.on_error == "raise":
                raise
            return Unreadable(path, str(error))

    def _submit(self, indices: NDArray[np.int64], epoch: int) -> list[Future[Any]]:
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self.workers, "pycnn-pictures")
            weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)
        augments = self._augments_pictures()
        return [self._pool.submit(self._read, i, epoch, augments) for i in indices.tolist()]

    def _next_batch(self, indices: NDArray[np.int64], epoch: int, batch: int) -> Any:
        if self.workers == 1:
            return self._make(indices, epoch)
        with self._ahead_lock:
            pictures = None
            while self._ahead and pictures is None:
                first = self._ahead.popleft()
                if (first.epoch, first.batch) == (epoch, batch):
                    pictures = first.pictures
                else:  # `reset` or another thread was faster
                    for picture in first.pictures:
                        picture.cancel()
            if pictures is None:
                pictures = self._submit(indices, epoch)
            last = (self._ahead[-1].epoch, self._ahead[-1].batch) if self._ahead else (epoch, batch)
            while len(self._ahead) < self.max_queue_size:
                last = (last[0], last[1] + 1) if last[1] + 1 < len(self) else (last[0] + 1, 0)
                with self.lock:
                    later = self._indices(*last)
                self._ahead.append(Ahead(*last, later, self._submit(later, last[0])))
        return self._assembled(indices, [picture.result() for picture in pictures], epoch)

    def _make(self, indices: NDArray[np.int64], epoch: int) -> Any:
        if self.workers == 1 or len(indices) == 1:
            augments = self._augments_pictures()
            read = [self._read(i, epoch, augments) for i in indices.tolist()]
        else:
            with self._ahead_lock:
                pictures = self._submit(indices, epoch)
            read = [picture.result() for picture in pictures]
        return self._assembled(indices, read, epoch)

    # --- batches --------------------------------------------------------------------------------------------
    def _assembled(self, indices: NDArray[np.int64], read: Sequence[Picture | Unreadable], epoch: int) -> Any:
        pictures = [picture for picture in read if isinstance(picture, Picture)]
        if len(pictures) < len(read):
            kept = [not isinstance(picture, Unreadable) for picture in read]
            missing = [picture for picture in read if isinstance(picture, Unreadable)]
            with self._ahead_lock:
                self.skipped += [one for one in missing if one not in self.skipped]
            if not pictures:
                raise ValueError(f"No picture of a batch of {len(read)} can be read: {missing[0].reason}")
            indices = indices[kept]
        dtype = np.uint8 if all(picture.pixels.dtype == np.uint8 for picture in pictures) else np.float32
        batch = np.empty((len(pictures), *pictures[0].pixels.shape), dtype)
        for to, picture in zip(batch, pictures, strict=True):
            to[:] = picture.pixels
        if pictures[0].is_finished:
            x = self._finished(batch, indices, epoch)
        else:
            if self.data_format == "channels_first":
                batch = np.moveaxis(batch, 3, 1)
            x = self._images(batch, None, indices, epoch, "float32")
        if self.class_mode is None:
            return x
        y = x.copy() if self.class_mode == "input" else self._targets_of(indices)
        if self.sample_weight is None:
            return x, y
        return x, y, self.sample_weight[indices]

    def _targets_of(self, indices: NDArray[np.int64]) -> Any:
        if self.class_mode == "raw":
            return self.labels[indices]
        if self.class_mode == "multi_output":
            return [output[indices] for output in self.labels]
        labels = [self.labels[i] for i in indices.tolist()]
        if self.class_mode in ("binary", "sparse"):
            return np.array(labels, self.dtype)
        one_hot = np.zeros((len(labels), len(self.class_indices)), self.dtype)
        for row, label in zip(one_hot, labels, strict=True):
            row[label] = 1
        return one_hot


def reading_of(
    target_size: Any,
    color_mode: str,
    interpolation: str,
    keep_aspect_ratio: bool,
    orientation: bool,
    jpeg_decoder: str,
) -> Reading:
    """A checked `Reading`."""
    check_choice("color_mode", color_mode, tuple(COLOR_MODES))
    check_choice("interpolation", interpolation, INTERPOLATIONS)
    check_choice("jpeg_decoder", jpeg_decoder, JPEG_DECODERS)
    size = checked_size("target_size", target_size)
    return Reading(size, color_mode, interpolation, bool(keep_aspect_ratio), bool(orientation), jpeg_decoder)
