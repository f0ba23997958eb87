"""Datasets of the pictures in a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycnn.core.arguments import as_int, as_number
from pycnn.core.data_format import checked_data_format
from pycnn.core.resizing import METHODS, middle, resized
from pycnn.core.seeds import checked_seed, next_seed
from pycnn.data import AUTOTUNE, Dataset
from pycnn.utils.folders import class_folders, pictures_in
from pycnn.utils.images import COLOR_MODES, check_choice, checked_size, load_img

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both", None)
_SEEDS = 10**6  # how many there are where none is given


class _Files(NamedTuple):
    """Paths, their labels, and the names of the classes."""

    paths: list[str]
    labels: list[int] | None
    class_names: list[str] | None

    def part(self, start: int | None, stop: int | None) -> _Files:
        labels = None if self.labels is None else self.labels[start:stop]
        return _Files(self.paths[start:stop], labels, self.class_names)


class _Reading(NamedTuple):
    """How a file becomes an image."""

    color_mode: str
    size: tuple[int, int]
    interpolation: str
    crop: bool
    pad: bool
    channels_first: bool

    def read(self, path: str) -> NDArray[np.float32]:
        """float32 (height, width, channels), or channels first."""
        pixels = np.asarray(load_img(path, self.color_mode))
        pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
        if self.crop:
            rows, columns = middle(pixels.shape[0], pixels.shape[1], self.size)
            pixels = pixels[rows, columns]
        if self.pad:
            image = _padded(pixels, self.size, self.interpolation)
        else:
            image = np.asarray(resized(pixels, self.size, self.interpolation), np.float32)
        return image.transpose(2, 0, 1) if self.channels_first else image

    @property
    def shape(self) -> tuple[int, int, int]:
        channels = COLOR_MODES[self.color_mode]
        return (channels, *self.size) if self.channels_first else (*self.size, channels)


def _padded(pixels: NDArray[Any], size: tuple[int, int], interpolation: str) -> NDArray[np.float32]:
    """The whole picture amid zeros, as `tf.image.resize_with_pad` places it, which computes in float32."""
    target = np.array(size, np.float32)
    exact = np.array(pixels.shape[:2], np.float32)
    exact = exact / (exact / target).max()
    h, w = (max(int(n), 1) for n in np.floor(exact))
    top, left = (int(n) for n in np.maximum(np.floor((target - exact) / 2), 0))
    image = np.zeros((*size, pixels.shape[2]), np.float32)
    image[top : top + h, left : left + w] = resized(pixels, (h, w), interpolation)
    return image


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
    *,
    on_error: str = "raise",
) -> Any:
    """Batches of the pictures in a folder, whose folders are the classes, as a `pycnn.data.Dataset`.

    Pictures are BMP, GIF (the first one of several), JPEG and PNG files, which threads read ahead. Order and
    split for a seed are those of Keras. Pillow decodes: a JPEG's values may differ by a few levels of 255
    from those of TensorFlow's decoder. Sizes change as by `tf.image.resize`, without smoothing, by the same
    formulas.

    Args:
        directory: with a folder for each class where labels are inferred; pictures may lie in folders below.
        labels: 'inferred', None for images alone, or an integer for each picture in the order of their paths.
        label_mode: 'int' (int32), 'categorical' (one-hot vectors), 'binary' (0 or 1 as float32 of shape
            (n, 1)) or None for images alone.
        class_names: the folders in the order of their labels; None for all, sorted.
        color_mode: 'grayscale', 'rgb' or 'rgba'.
        batch_size: None for single images.
        image_size: (height, width), or one integer for both.
        shuffle: whether files are shuffled once and, in each pass, in a buffer of 8 batches.
        seed: of these orders; None for one that follows from `keras.utils.set_random_seed`.
        validation_split: fraction of the files, the last ones, that are for validation.
        subset: 'training', 'validation', or 'both' for a list of both datasets.
        interpolation: 'bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian' or
            'mitchellcubic'.
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: whether what a picture has beyond the proportions of `image_size` is cut off.
        pad_to_aspect_ratio: whether zeros complete it to these proportions.
        data_format: 'channels_last', 'channels_first' or None for `keras.config.image_data_format()`.
        format: 'tf'.
        verbose: whether the numbers of files and classes are printed.
        on_error: beyond Keras, 'raise', or 'skip' to leave out what cannot be read: `skipped` of the dataset
            lists (path, reason), and its length is unknown.

    Returns:
        A Dataset of batches (images, labels), or of images: float32 (n, height, width, channels), from 0 to
        255. It has `class_names` and `file_paths`. A list of two for subset='both'.

    Raises:
        OSError: if a folder cannot be read.
        TypeError, ValueError: if an argument is wrong, or there are no pictures; in the iteration, a file
            that is no picture, whose path the message has.
        NotImplementedError: for format='grain'.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> import pycnn as keras
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("cats", "dogs"):
        ...         pathlib.Path(folder, name).mkdir()
        ...         keras.utils.save_img(f"{folder}/{name}/1.png", np.zeros((20, 30, 3)))
        ...     data = keras.utils.image_dataset_from_directory(folder, image_size=(8, 8))
        ...     images, labels = next(iter(data))
        Found 2 files belonging to 2 classes.
        >>> images.shape, data.class_names
        ((2, 8, 8, 3), ['cats', 'dogs'])
    """
    if format == "grain":
        raise NotImplementedError("pycnn makes no datasets of Grain; use format='tf', a pycnn.data.Dataset")
    check_choice("format", format, ("tf",))
    check_choice("label_mode", label_mode, _LABEL_MODES)
    check_choice("color_mode", color_mode, tuple(COLOR_MODES))
    check_choice("subset", subset, _SUBSETS)
    check_choice("on_error", on_error, ("raise", "skip"))
    interpolation = str(interpolation).lower()
    check_choice("interpolation", interpolation, METHODS)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` only one can be True")
    split = _checked_split(validation_split, subset, shuffle, seed)
    size = checked_size("image_size", (image_size,) * 2 if isinstance(image_size, int) else image_size)
    batch = None if batch_size is None else as_int("batch_size", batch_size, 1)
    first = checked_data_format("image_dataset_from_directory", data_format) == "channels_first"
    reading = _Reading(
        color_mode, size, interpolation, bool(crop_to_aspect_ratio), bool(pad_to_aspect_ratio), first
    )
    key = next_seed() % _SEEDS if seed is None else checked_seed(seed)
    if label_mode is None:
        labels = None
    files = _found(os.fspath(directory), labels, class_names, follow_links, verbose)
    mode = None if files.labels is None else label_mode
    if mode == "binary" and len(files.class_names or ()) != 2:
        raise ValueError(f"label_mode='binary' needs two classes; there are {files.class_names}")
    if shuffle:
        order = list(range(len(files.paths)))
        np.random.RandomState(key).shuffle(order)
        known = None if files.labels is None else [files.labels[i] for i in order]
        files = _Files([files.paths[i] for i in order], known, files.class_names)

    def dataset(part: _Files, name: str, shuffled: bool) -> Dataset:
        if not part.paths:
            raise ValueError(f"There are no {name}pictures in {directory}; expected files of {_FORMATS}")
        return _dataset(part, mode, reading, batch, key if shuffled else None, on_error)

    if split is None:
        return dataset(files, "", bool(shuffle))
    count = int(split * len(files.paths))
    training, validation = len(files.paths) - count, count
    parts = {"training": files.part(None, training), "validation": files.part(training, None)}
    for name, number in (("training", training), ("validation", validation)):
        if verbose and subset in (name, "both"):
            print(f"Using {number} files for {name}.")
    if subset == "both":
        return [dataset(parts[n], f"{n} ", bool(shuffle) and n == "training") for n in parts]
    assert subset is not None
    return dataset(parts[subset], f"{subset} ", bool(shuffle))


def _checked_split(fraction: Any, subset: str | None, shuffle: bool, seed: int | None) -> float | None:
    if not fraction and subset is None:
        return None
    if not fraction or subset is None:
        raise ValueError(
            f"`validation_split` is {fraction!r} and `subset` is {subset!r}; expected both or neither"
        )
    value = as_number("validation_split", fraction)
    if not 0 < value < 1:
        raise ValueError(f"`validation_split` is {fraction!r}; expected a number between 0 and 1")
    if shuffle and seed is None:
        raise ValueError(
            "`validation_split` with shuffle=True needs a `seed`, so that both subsets share no pictures"
        )
    return value


def _found(directory: str, labels: Any, class_names: Any, follow_links: bool, verbose: bool) -> _Files:
    """All pictures, in the order of their classes and paths."""
    inferred = isinstance(labels, str) and labels == "inferred"
    if not inferred and labels is not None and not isinstance(labels, (list, tuple)):
        raise ValueError(f"`labels` is {labels!r:.100}; expected 'inferred', None or a list of integers")
    if not inferred and class_names is not None:
        raise ValueError("`class_names` is for labels='inferred' only")
    names = [name for name in class_folders(directory) if not name.startswith(".")] if inferred else [""]
    if class_names is not None:
        if not set(class_names) <= set(names) or len(set(class_names)) < len(class_names):
            raise ValueError(f"`class_names` is {list(class_names)}; the folders in {directory} are {names}")
        names = list(class_names)
    paths: list[str] = []
    known: list[int] = []
    for number, name in enumerate(names):
        folder = os.path.join(directory, name)
        found = pictures_in(folder, _FORMATS, follow_links)
        paths += [os.path.join(folder, file) for file in found]
        known += [number] * len(found)
    if labels is None:
        if verbose:
            print(f"Found {len(paths)} files.")
        return _Files(paths, None, None)
    if not inferred:
        known = [as_int("labels", label, -(2**31)) for label in labels]
        if len(known) != len(paths):
            raise ValueError(f"`labels` has {len(known)} items; there are {len(paths)} files in {directory}")
        names = [str(label) for label in sorted(set(known))]
    if verbose:
        print(f"Found {len(paths)} files belonging to {len(names)} classes.")
    return _Files(paths, known, names)


def _targets(labels: list[int], mode: str, classes: int) -> NDArray[Any]:
    """The labels as batches have them."""
    numbers = np.array(labels, np.int32)
    if mode == "int":
        return numbers
    if mode == "binary":
        return numbers.astype(np.float32)[:, None]
    one_hot: NDArray[Any] = (numbers[:, None] == np.arange(classes)).astype(np.float32)
    return one_hot


def _dataset(
    files: _Files, mode: str | None, reading: _Reading, batch: int | None, key: int | None, on_error: str
) -> Dataset:
    """Images, with labels where there is a mode; shuffled where there is a seed."""
    columns: tuple[Any, ...] = (np.array(files.paths),)
    if mode is not None:
        assert files.labels is not None
        columns = (*columns, _targets(files.labels, mode, len(files.class_names or ())))
    data = Dataset.from_tensor_slices(columns)
    if key is not None:
        data = data.shuffle(1024 if batch is None else 8 * batch, key)
    skipped: list[tuple[str, str]] = []
    data = _read(data, reading, skipped if on_error == "skip" else None)
    data = data if batch is None else data.batch(batch)
    data = data.prefetch(AUTOTUNE)
    data.class_names, data.file_paths, data.skipped = files.class_names, files.paths, skipped
    return data


def _read(data: Dataset, reading: _Reading, skipped: list[tuple[str, str]] | None) -> Dataset:
    """Images for paths; those that cannot be read are left out where there is a list for them."""

    def element(path: str, *label: Any) -> Any:
        image = reading.read(str(path))
        return (image, *label) if label else image

    if skipped is None:
        return data.map(element, AUTOTUNE)

    def attempt(path: str, *label: Any) -> Any:
        try:
            return True, (reading.read(str(path)), *label)
        except (ValueError, OSError) as error:
            if (reason := (str(path), str(error))) not in skipped:
                skipped.append(reason)
            return False, (np.zeros(reading.shape, np.float32), *label)

    tried = data.map(attempt, AUTOTUNE).filter(lambda readable, _: readable)
    return tried.map(lambda _, found: found if len(found) > 1 else found[0])
