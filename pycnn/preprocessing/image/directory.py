"""Batches of pictures that lie in a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.preprocessing.image.files import FileIterator, reading_of
from pycnn.preprocessing.image.iterator import split_of
from pycnn.utils.folders import class_folders, pictures_in
from pycnn.utils.images import check_choice

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class DirectoryIterator(FileIterator):
    """Batches of the pictures in a folder, whose folders are the classes.

    Args:
        directory: with a folder for each class; pictures may lie in folders below.
        image_data_generator: which augments and standardizes images; None leaves them as they are.
        target_size: (height, width) of the images.
        color_mode: 'grayscale', 'rgb' or 'rgba'.
        classes: names of the folders in their order; None for all, sorted.
        class_mode: what batches have beside images: 'categorical' (one-hot vectors), 'binary' or 'sparse'
            (numbers), 'input' (the images again) or None.
        batch_size: of all batches but the last of an epoch.
        shuffle: whether each epoch has an order of its own.
        seed: of order and augmentation, as in `Iterator`.
        data_format: 'channels_last' or 'channels_first'.
        save_to_dir, save_prefix, save_format: where images are written, and how they are called.
        follow_links: whether links to folders below the classes are followed.
        subset: 'training' or 'validation' for the generator's `validation_split`; None for all.
        interpolation: as in `keras.utils.load_img`, as is `keep_aspect_ratio`.
        dtype: of the batches.
        augment: whether images are augmented; None: where `subset` is not 'validation'.
        orientation: as in `keras.utils.load_img`, as is `jpeg_decoder`.
        on_error: 'raise', or 'skip' to leave out of its batch what cannot be read; `skipped` lists it.
        workers: threads that read pictures; None for pycnn's number of threads.
        max_queue_size: batches that are read ahead by `next`.

    Raises:
        OSError: if a folder cannot be read.
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> import pycnn as keras
        >>> from pycnn.preprocessing.image import ImageDataGenerator
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("cats", "dogs"):
        ...         pathlib.Path(folder, name).mkdir()
        ...         keras.utils.save_img(f"{folder}/{name}/1.png", np.zeros((20, 30, 3)))
        ...     batches = ImageDataGenerator().flow_from_directory(folder, target_size=(8, 8))
        ...     x, y = next(batches)
        Found 2 images belonging to 2 classes.
        >>> x.shape, batches.class_indices
        ((2, 8, 8, 3), {'cats': 0, 'dogs': 1})
    """

    allowed_class_modes = ("categorical", "binary", "sparse", "input", None)

    def __init__(
        self,
        directory: str | os.PathLike[str],
        image_data_generator: Any = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: DTypeLike | None = None,
        *,
        augment: bool | None = None,
        orientation: bool = False,
        jpeg_decoder: str = "pillow",
        on_error: str = "raise",
        workers: int | None = None,
        max_queue_size: int = 10,
    ) -> None:
        check_choice("class_mode", class_mode, self.allowed_class_modes)
        reading = reading_of(
            target_size, color_mode, interpolation, keep_aspect_ratio, orientation, jpeg_decoder
        )
        self.directory = os.fspath(directory)
        self.split = split_of(subset, image_data_generator)
        self.class_mode = class_mode
        names = class_folders(self.directory) if not classes else list(classes)
        if len(set(names)) < len(names):
            raise ValueError(f"`classes` has names more than once: {names}")
        self.num_classes = len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        self.filenames: list[str] = []
        counts = []
        for name in names:
            found = self._pictures_of(name, follow_links)
            self.filenames += found
            counts.append(len(found))
        self.classes = np.repeat(np.arange(len(names), dtype=np.int32), counts)
        self.samples = len(self.filenames)
        super().__init__(
            self.samples,
            batch_size,
            shuffle,
            seed,
            reading,
            on_error,
            workers,
            max_queue_size,
            image_data_generator=image_data_generator,
            data_format=data_format or "channels_last",
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            augment=augment,
            dtype=np.float32 if dtype is None else dtype,
        )
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")

    def _pictures_of(self, name: str, follow_links: bool) -> list[str]:
        """The files of a class, from the directory, that belong to the subset."""
        folder = os.path.join(self.directory, name)
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"`classes` has {name!r}, but there is no folder {folder}")
        found = pictures_in(folder, self.white_list_formats, follow_links)
        if self.split is not None:
            found = found[int(self.split[0] * len(found)) : int(self.split[1] * len(found))]
        return [os.path.join(name, file) for file in found]

    @property
    def filepaths(self) -> list[str]:
        """The path of each sample."""
        return [os.path.join(self.directory, name) for name in self.filenames]

    def _path(self, sample: int) -> str:
        return os.path.join(self.directory, self.filenames[sample])

    @property
    def labels(self) -> NDArray[np.int32]:
        """The class of each sample."""
        return self.classes

    @property
    def sample_weight(self) -> None:
        """None: folders have no weights."""
        return None
