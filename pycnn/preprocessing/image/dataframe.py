"""Batches of pictures that a table names."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.preprocessing.image.files import FileIterator, reading_of
from pycnn.preprocessing.image.iterator import split_of
from pycnn.utils.images import check_choice

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_WITH_CLASSES = ("categorical", "binary", "sparse")


class DataFrameIterator(FileIterator):
    """Batches of the pictures that a column of a table names, with what other columns say of them.

    Args:
        dataframe: a pandas DataFrame, or whatever gives columns by name: a dict of lists does.
        directory: before the names; None where they are paths.
        image_data_generator: which augments and standardizes images; None leaves them as they are.
        x_col: the column of the names.
        y_col: the column of the labels, or a list of columns.
        weight_col: the column of the samples' weights, or None.
        target_size: (height, width) of the images.
        color_mode: 'grayscale', 'rgb' or 'rgba'.
        classes: the classes in their order; rows with others are left out. None for all, sorted.
        class_mode: 'categorical' (labels are strings, or lists of them for several classes at once), 'binary'
            or 'sparse' (strings), 'raw' (the column as it is), 'multi_output' (each of `y_col` as it is),
            'input' (the images again) or None.
        batch_size: of all batches but the last of an epoch.
        shuffle: whether each epoch has an order of its own.
        seed: of order and augmentation, as in `Iterator`.
        data_format: 'channels_last' or 'channels_first'.
        save_to_dir, save_prefix, save_format: where images are written, and how they are called.
        subset: 'training' or 'validation' for the generator's `validation_split`; None for all.
        interpolation: as in `keras.utils.load_img`, as is `keep_aspect_ratio`.
        dtype: of the batches.
        validate_filenames: whether rows without a picture file are left out, with a warning.
        augment, orientation, jpeg_decoder, on_error, workers, max_queue_size: as in `DirectoryIterator`.

    Raises:
        KeyError: there is no such column.
        TypeError, ValueError: if an argument or a column is wrong.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import pycnn as keras
        >>> from pycnn.preprocessing.image import ImageDataGenerator
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     keras.utils.save_img(f"{folder}/1.png", np.zeros((20, 30, 3)))
        ...     table = {"filename": ["1.png"], "class": ["cat"]}
        ...     x, y = next(ImageDataGenerator().flow_from_dataframe(table, folder, target_size=(8, 8)))
        Found 1 validated image filenames belonging to 1 classes.
        >>> x.shape, y
        ((1, 8, 8, 3), array([[1.]], dtype=float32))
    """

    allowed_class_modes = ("binary", "categorical", "input", "multi_output", "raw", "sparse", None)

    def __init__(
        self,
        dataframe: Any,
        directory: str | os.PathLike[str] | None = None,
        image_data_generator: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = "channels_last",
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: DTypeLike | None = "float32",
        validate_filenames: bool = True,
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
        self.directory = "" if directory is None else os.fspath(directory)
        self.class_mode = class_mode
        self.split = split_of(subset, image_data_generator)
        names = list(dataframe[x_col])
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f"The column {x_col!r} has values that are no strings; expected names of files")
        kept = list(range(len(names)))
        if validate_filenames:
            kept = self._picture_files(names, x_col)
        if class_mode in _WITH_CLASSES:
            labels = list(dataframe[y_col])
            _check_labels(labels, y_col, class_mode)
            if classes:
                classes = list(dict.fromkeys(classes))
            else:
                classes = sorted({one for i in kept for one in _as_list(labels[i])})
            if class_mode == "binary" and len(classes) != 2:
                raise ValueError(f"class_mode='binary' needs 2 classes; these are {len(classes)}: {classes}")
            self.class_indices = {name: number for number, name in enumerate(classes)}
            kept = [i for i in kept if any(one in self.class_indices for one in _as_list(labels[i]))]
        elif classes:
            warnings.warn(f"`classes` has no effect for class_mode={class_mode!r}", stacklevel=2)
        if self.split is not None:
            kept = kept[int(self.split[0] * len(kept)) : int(self.split[1] * len(kept))]
        if class_mode in _WITH_CLASSES:
            self.num_classes = len(self.class_indices)
            self.classes = [self._numbers_of(labels[i]) for i in kept]
        elif class_mode == "multi_output":
            if not isinstance(y_col, list):
                raise TypeError(f"class_mode='multi_output' needs a list of columns; `y_col` is {y_col!r}")
            self._targets: Any = [np.array(list(dataframe[column]))[kept] for column in y_col]
        elif class_mode == "raw":
            self._targets = np.asarray(dataframe[y_col])[kept]
        self._sample_weight = None
        if weight_col is not None:
            weights = np.asarray(dataframe[weight_col])
            if weights.dtype.kind not in "biuf":
                raise TypeError(f"The column {weight_col!r} has values that are no numbers; expected weights")
            self._sample_weight = weights[kept]
        self.filenames = [names[i] for i in kept]
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
            dtype="float32" if dtype is None else dtype,
        )
        validated = "validated" if validate_filenames else "non-validated"
        ending = f" belonging to {self.num_classes} classes." if class_mode in _WITH_CLASSES else "."
        print(f"Found {self.samples} {validated} image filenames{ending}")

    def _picture_files(self, names: list[str], x_col: str) -> list[int]:
        """The numbers of the rows whose files are there and are called like pictures."""
        found = [
            i
            for i, name in enumerate(names)
            if name.lower().endswith(self.white_list_formats)
            and os.path.isfile(os.path.join(self.directory, name))
        ]
        if len(found) < len(names):
            there = set(found)
            missing = next(name for i, name in enumerate(names) if i not in there)
            warnings.warn(
                f"{len(names) - len(found)} of the {len(names)} names in column {x_col!r} are no picture "
                f"files and are left out, {missing!r} first",
                stacklevel=3,
            )
        return found

    def _numbers_of(self, label: Any) -> Any:
        if isinstance(label, str):
            return self.class_indices[label]
        return [self.class_indices[one] for one in label if one in self.class_indices]

    @property
    def filepaths(self) -> list[str]:
        """The path of each sample."""
        return [os.path.join(self.directory, name) for name in self.filenames]

    def _path(self, sample: int) -> str:
        return os.path.join(self.directory, self.filenames[sample])

    @property
    def labels(self) -> Any:
        """The label or the targets of each sample."""
        return self._targets if self.class_mode in ("multi_output", "raw") else self.classes

    @property
    def sample_weight(self) -> NDArray[Any] | None:
        """The weight of each sample, or None."""
        return self._sample_weight


def _as_list(label: Any) -> Sequence[Any]:
    return [label] if isinstance(label, str) else list(label)


def _check_labels(labels: list[Any], y_col: Any, class_mode: str) -> None:
    kinds: tuple[type, ...] = (str, list, tuple) if class_mode == "categorical" else (str,)
    wrong = next((label for label in labels if not isinstance(label, kinds)), None)
    if wrong is not None or None in labels:
        expected = "strings, or lists of them" if class_mode == "categorical" else "strings"
        raise TypeError(f"The column {y_col!r} has {wrong!r}; class_mode={class_mode!r} needs {expected}")
