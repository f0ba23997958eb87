"""`ImageDataGenerator`: images that are augmented and standardized anew in every epoch."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.core import seeds
from pycnn.core.arguments import as_int, as_number
from pycnn.preprocessing.image import parameters as drawing
from pycnn.preprocessing.image import statistics
from pycnn.preprocessing.image.affine import (
    COMPAT,
    FILL_MODES,
    as_core_images,
    check_order,
    core_fill_mode,
    warp,
)
from pycnn.preprocessing.image.arrays import NumpyArrayIterator
from pycnn.preprocessing.image.dataframe import DataFrameIterator
from pycnn.preprocessing.image.directory import DirectoryIterator
from pycnn.preprocessing.image.values import apply_brightness_shift
from pycnn.utils.images import check_choice, is_channels_first

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    F64: TypeAlias = NDArray[np.float64]

_OLD_OPTIONS = {"drop_duplicates", "has_ext", "sort"}  # of flow_from_dataframe
_EPSILON = 1e-6  # beside a standard deviation, as in Keras


class ImageDataGenerator:
    """Batches of images, augmented at random and standardized.

    An image goes through these steps: rotation, shift, shear and zoom as one affine map, together with flips;
    channel shift; brightness; `preprocessing_function`; `rescale`; the sample's own mean and deviation; those
    that `fit` has found; whitening. Random numbers depend on the seed, the epoch and the number of the sample
    only.

    Args:
        featurewise_center: whether the mean of each channel over all images is subtracted (`fit`).
        samplewise_center: whether the mean of an image becomes 0.
        featurewise_std_normalization: whether channels are divided by their standard deviation (`fit`).
        samplewise_std_normalization: whether an image is divided by its standard deviation.
        zca_whitening: whether ZCA whitening is applied (`fit`).
        zca_epsilon: added to singular values.
        rotation_range: largest angle in degrees.
        width_shift_range: largest shift sideways: below 1 as a fraction of the width, from 1 on in pixels; an
            integer n stands for whole pixels below n; a list for one of its numbers, with a random sign.
        height_shift_range: the same up and down.
        brightness_range: two factors between which one is drawn.
        shear_range: largest angle of a shear in degrees.
        zoom_range: lowest and highest zoom, or z for 1 - z and 1 + z; each axis has its own. Above 1 shrinks.
        channel_shift_range: largest number that is added to all values of an image.
        fill_mode: what lies outside: 'nearest', 'constant', 'reflect', 'wrap' or 'mirror'.
        cval: for 'constant'.
        horizontal_flip: whether half of the images are flipped left to right.
        vertical_flip: whether half of them are flipped upside down.
        rescale: a factor of all values.
        preprocessing_function: is given each image (after augmentation) and returns one of its shape.
        data_format: 'channels_last' or 'channels_first'.
        validation_split: the part of the data, from its beginning, that is `subset='validation'`.
        interpolation_order: 0 (nearest pixel), 1 (bilinear), or 2 to 5 (splines, by SciPy).
        dtype: of the batches. It is computed in float32.
        compat: 'keras' does as Keras where that differs from its documentation: see docs/augmentation.md.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import numpy as np
        >>> from pycnn.preprocessing.image import ImageDataGenerator
        >>> generator = ImageDataGenerator(rotation_range=20, horizontal_flip=True, rescale=1 / 255)
        >>> x, y = np.zeros((10, 28, 28, 1), np.uint8), np.arange(10)
        >>> batches = generator.flow(x, y, batch_size=4, seed=1)
        >>> len(batches), batches[0][0].shape
        (3, (4, 28, 28, 1))
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[NDArray[Any]], Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: DTypeLike | None = None,
        *,
        compat: str | None = None,
    ) -> None:
        check_choice("compat", compat, COMPAT)
        check_choice("fill_mode", fill_mode, FILL_MODES)
        if preprocessing_function is not None and not callable(preprocessing_function):
            raise TypeError(f"`preprocessing_function` is {preprocessing_function!r}; expected a function")
        self.compat = compat
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = as_number("zca_epsilon", zca_epsilon)
        self.rotation_range = as_number("rotation_range", rotation_range)
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.shear_range = as_number("shear_range", shear_range)
        self.zoom_range = list(drawing.zoom_of(zoom_range))
        self.channel_shift_range = as_number("channel_shift_range", channel_shift_range)
        self.brightness_range = (
            None if brightness_range is None else drawing.pair_of("brightness_range", brightness_range)
        )
        self.fill_mode = fill_mode
        self.cval = as_number("cval", cval)
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = None if rescale is None else as_number("rescale", rescale)
        self.preprocessing_function = preprocessing_function
        self.dtype = np.dtype(np.float32 if dtype is None else dtype).name
        self.interpolation_order = check_order(interpolation_order)
        self._channels_first = is_channels_first(data_format)
        self.data_format = "channels_first" if self._channels_first else "channels_last"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if self._channels_first else (3, 1, 2)
        self._validation_split = as_number("validation_split", validation_split)
        if not 0 <= self._validation_split < 1:
            raise ValueError(f"`validation_split` is {validation_split}; expected a number from 0 to below 1")
        self.mean: NDArray[Any] | None = None
        self.std: NDArray[Any] | None = None
        self.zca_whitening_matrix: NDArray[Any] | None = None
        self._settle()
        self._ranges = drawing.Ranges(
            self.rotation_range,
            drawing.shift_of("width_shift_range", width_shift_range),
            drawing.shift_of("height_shift_range", height_shift_range),
            self.shear_range,
            (self.zoom_range[0], self.zoom_range[1]),
            self.channel_shift_range,
            self.brightness_range,
            (bool(horizontal_flip), bool(vertical_flip)),
            swap_shifts=compat == "keras",
        )
        self._lock = threading.Lock()
        self._calls = 0
        self._own_seed: int | None = None

    def _settle(self) -> None:
        """Arguments that need others, and those that exclude each other."""
        for wish, needs in (
            ("zca_whitening", "featurewise_center"),
            ("featurewise_std_normalization", "featurewise_center"),
            ("samplewise_std_normalization", "samplewise_center"),
        ):
            if getattr(self, wish) and not getattr(self, needs):
                setattr(self, needs, True)
                warnings.warn(f"`{wish}` needs `{needs}`, which is set to True", stacklevel=3)
        if self.zca_whitening and self.featurewise_std_normalization:
            self.featurewise_std_normalization = False
            warnings.warn(
                "`zca_whitening` excludes `featurewise_std_normalization`, which is set to False",
                stacklevel=3,
            )

    # --- sources of images ----------------------------------------------------------------------------------
    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
        **options: Any,
    ) -> NumpyArrayIterator:
        """Batches of arrays: a `NumpyArrayIterator` of these arguments."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            ignore_class_split=ignore_class_split,
            dtype=self.dtype,
            **options,
        )

    def flow_from_directory(
        self,
        directory: Any,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        **options: Any,
    ) -> DirectoryIterator:
        """Batches of pictures in a folder for each class: a `DirectoryIterator` of these arguments."""
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
            dtype=self.dtype,
            **options,
        )

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
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
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        **options: Any,
    ) -> DataFrameIterator:
        """Batches of pictures that a table names: a `DataFrameIterator` of these arguments.

        As in Keras, `has_ext`, `sort` and `drop_duplicates` of older versions have no effect but a warning.
        """
        for name in _OLD_OPTIONS & options.keys():
            del options[name]
            warnings.warn(
                f"`{name}` has no effect: change the table itself", DeprecationWarning, stacklevel=2
            )
        return DataFrameIterator(
            dataframe,
            directory,
            self,
            x_col=x_col,
            y_col=y_col,
            weight_col=weight_col,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
            validate_filenames=validate_filenames,
            **options,
        )

    # --- one image ------------------------------------------------------------------------------------------
    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict[str, Any]:
        """Parameters of a transformation.

        Args:
            img_shape: of one image.
            seed: the same gives the same parameters; None goes on with the generator's own sequence.

        Returns:
            What `apply_transform` takes: theta, tx, ty, shear, zx, zy, flip_horizontal, flip_vertical,
            channel_shift_intensity (or None) and brightness (or None).
        """
        height, width = img_shape[self.row_axis - 1], img_shape[self.col_axis - 1]
        if seed is None:
            with self._lock:
                if self._own_seed is None:
                    self._own_seed = seeds.next_seed()
                seed, sample = self._own_seed, self._calls
                self._calls += 1
        else:
            seed, sample = seeds.checked_seed(seed), 0
        row = self._ranges.draw(seed, 0, np.array([sample]), height, width)[0]
        values: dict[str, Any] = dict(zip(drawing.NAMES, row.tolist(), strict=True))
        for name in ("flip_horizontal", "flip_vertical"):
            values[name] = bool(values[name])
        if self.channel_shift_range == 0:
            values["channel_shift_intensity"] = None
        if self.brightness_range is None:
            values["brightness"] = None
        return values

    def apply_transform(self, x: ArrayLike, transform_parameters: dict[str, Any]) -> NDArray[Any]:
        """An image transformed by given parameters.

        Args:
            x: an image of three axes.
            transform_parameters: as from `get_random_transform`; what is left out changes nothing.

        Returns:
            An array of x's shape, of its dtype if that is a floating-point type, else float32.
        """
        unknown = set(transform_parameters) - set(drawing.NAMES)
        if unknown:
            raise ValueError(
                f"transform_parameters has {sorted(unknown)}; expected {', '.join(drawing.NAMES)}"
            )
        row = [
            neutral if transform_parameters.get(name) is None else float(transform_parameters[name])
            for name, neutral in zip(drawing.NAMES, drawing.NEUTRAL, strict=True)
        ]
        image = self._image(x)
        if row == list(drawing.NEUTRAL):
            return image.copy() if image.dtype.kind == "f" else image.astype(np.float32)
        batch = self._to_core(image[None])
        y = self._transformed(batch, None, np.array([row]), False, batch.shape[1:3])
        kept = image.dtype if image.dtype.kind == "f" else np.dtype(np.float32)
        return np.asarray(self._from_core(y)[0], kept)

    def random_transform(self, x: ArrayLike, seed: int | None = None) -> NDArray[Any]:
        """An image transformed at random.

        Args:
            x: an image of three axes.
            seed: as in `get_random_transform`.

        Returns:
            An array of x's shape.
        """
        return self.apply_transform(x, self.get_random_transform(self._image(x).shape, seed))

    def _image(self, x: ArrayLike) -> NDArray[Any]:
        image = np.asarray(x)
        if image.ndim != 3 or image.dtype.kind not in "biuf":
            raise ValueError(
                f"x has shape {image.shape} and dtype {image.dtype}; expected one image, numbers of 3 axes"
            )
        return image

    def standardize(self, x: NDArray[Any]) -> NDArray[Any]:
        """Images standardized, in place where they can be: what follows augmentation.

        Args:
            x: one image, or a batch of them, which then counts as one for the sample's mean and deviation.

        Returns:
            The same array, or another one after `preprocessing_function` or whitening.
        """
        if self.preprocessing_function is not None:
            x = np.asarray(self.preprocessing_function(x))
        if x.dtype.kind != "f":
            x = x.astype(self.dtype)
        return self._whitened(self._scaled(x, tuple(range(x.ndim))))

    # --- statistics -----------------------------------------------------------------------------------------
    def fit(self, x: ArrayLike, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Finds the means, deviations and the whitening matrix that the arguments ask for.

        Args:
            x: images, of four axes. `preprocessing_function` and `rescale` are applied first.
            augment: whether images are augmented before.
            rounds: how many times each of them is then.
            seed: of their augmentation.

        Raises:
            ValueError: x has other axes, or no images.
        """
        images = np.asarray(x)
        if images.ndim != 4 or len(images) == 0 or images.dtype.kind not in "biuf":
            raise ValueError(
                f"fit: x has shape {images.shape} and dtype {images.dtype}; expected numbers of shape "
                "(images, height, width, channels)"
            )
        rounds = as_int("rounds", rounds, 1) if augment else 1
        if augment and self._ranges.active:
            number = seeds.next_seed() if seed is None else seeds.checked_seed(seed)
            samples = np.arange(len(images))
            batch = self._to_core(images)
            size = batch.shape[1:3]
            parts = [
                self._from_core(
                    self._transformed(batch, None, self._ranges.draw(number, r, samples, *size), False, size)
                )
                for r in range(rounds)
            ]
            data = np.concatenate(parts).astype(self.dtype)
        else:
            data = np.concatenate([images.astype(self.dtype)] * rounds)
        if self.preprocessing_function is not None and self.compat != "keras":
            data = self._preprocessed(data)
        if self.rescale is not None:
            data *= self.rescale
        if self.featurewise_center:
            self.mean = statistics.channel_means(data, self.channel_axis)
            data -= self.mean
        if self.featurewise_std_normalization:
            self.std = statistics.channel_deviations(data, self.channel_axis)
            data /= self.std + _EPSILON
        if self.zca_whitening:
            self.zca_whitening_matrix = statistics.whitening_matrix(data, self.zca_epsilon)

    # --- batches --------------------------------------------------------------------------------------------
    def _batch(
        self,
        x: NDArray[Any],
        rows: NDArray[np.int64] | None,
        samples: NDArray[np.int64],
        seed: int,
        epoch: int,
        augment: bool,
        dtype: str,
    ) -> NDArray[Any]:
        """The images x[rows] (all of x for None), whose numbers are `samples`, augmented and standardized.

        Without augmentation all is computed in `dtype`.
        """
        if not (augment and self._ranges.active):
            return self._standardized((x if rows is None else x[rows]).astype(dtype))
        batch = self._to_core(x)
        fused = self._can_fuse()
        size = batch.shape[1:3]
        y = self._transformed(batch, rows, self._ranges.draw(seed, epoch, samples, *size), fused, size)
        result = self._from_core(y)
        return result if fused else self._standardized(result)

    def resizes(self) -> bool:
        """Whether one pass of the core can resize an image, augment and standardize it."""
        return (
            self._ranges.active and self._can_fuse() and self.interpolation_order < 2 and self.compat is None
        )

    def of_picture(
        self, picture: NDArray[np.uint8], size: tuple[int, int], sample: int, seed: int, epoch: int
    ) -> NDArray[np.float32]:
        """A picture (h, w, c) of any size, resized, augmented and standardized in one pass."""
        drawn = self._ranges.draw(seed, epoch, np.array([sample]), *size)
        y = self._transformed(as_core_images(picture[None]), None, drawn, True, size)
        return np.asarray(self._from_core(y)[0])

    def _to_core(self, batch: NDArray[Any]) -> NDArray[Any]:
        return as_core_images(np.moveaxis(batch, 1, 3) if self._channels_first else batch)

    def _from_core(self, batch: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(np.moveaxis(batch, 3, 1)) if self._channels_first else batch

    def _transformed(
        self,
        batch: NDArray[Any],
        rows: NDArray[np.int64] | None,
        drawn: F64,
        fused: bool,
        size: tuple[int, int],
    ) -> NDArray[np.float32]:
        """x[rows], resized, under drawn parameters; where `fused`, standardized too."""
        keras = self.compat == "keras"
        channels = batch.shape[3]
        matrices = _core.image_matrices(drawn[:, : drawing.AFFINE], *size, keras)
        for axis, (own, wanted) in enumerate(zip(batch.shape[1:3], size, strict=True)):
            if own != wanted:  # a pixel's centre is a half beyond its number
                matrices[:, 3 * axis : 3 * axis + 3] *= own / wanted
                matrices[:, 3 * axis + 2] += (own / wanted - 1) / 2
        shine = drawn[:, drawing.BRIGHTNESS]
        options = self._fused_options(channels) if fused else {}
        y = warp(
            batch,
            rows,
            matrices,
            self.interpolation_order,
            size=size,
            fill_mode=core_fill_mode(self.fill_mode, self.compat),
            cval=self.cval,
            channel_shifts=drawn[:, drawing.SHIFT] if drawn[:, drawing.SHIFT].any() else None,
            brightness=shine if not keras and (shine != 1).any() else None,
            **options,
        )
        if keras:
            for image, factor in zip(y, shine.tolist(), strict=True):
                if factor != 1:
                    image[:] = apply_brightness_shift(image, factor, False, compat="keras")
        return y

    def _can_fuse(self) -> bool:
        """Whether the core's pass over an image can do all that follows augmentation."""
        per_channel = all(
            value is None or np.size(value) in (1, np.shape(value)[self.channel_axis - 1])
            for value in (self.mean, self.std)
            if value is None or np.ndim(value) == 3
        ) and all(value is None or np.ndim(value) in (0, 3) for value in (self.mean, self.std))
        return (
            self.preprocessing_function is None
            and not self.zca_whitening
            and per_channel
            and not (self.compat == "keras" and self.brightness_range is not None)
        )

    def _fused_options(self, channels: int) -> dict[str, Any]:
        options: dict[str, Any] = {
            "scale": 1.0 if self.rescale is None else self.rescale,
            "center": bool(self.samplewise_center),
            "normalize": bool(self.samplewise_std_normalization),
        }
        mean, std = self._fitted()
        if mean is not None or std is not None:
            factor = 1.0 / (np.ravel(std) + _EPSILON) if std is not None else np.ones(1)
            shift = -np.ravel(mean) * factor if mean is not None else np.zeros(1)
            options["feature_scale"] = np.broadcast_to(factor, (channels,))
            options["feature_shift"] = np.broadcast_to(shift, (channels,))
        return options

    def _fitted(self) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        """Mean and deviation, where they are asked for; a warning where `fit` was not called."""
        for wish, value in (
            ("featurewise_center", self.mean),
            ("featurewise_std_normalization", self.std),
            ("zca_whitening", self.zca_whitening_matrix),
        ):
            if getattr(self, wish) and value is None:
                warnings.warn(f"`{wish}` has no effect before `fit` was called", stacklevel=4)
        return (
            self.mean if self.featurewise_center else None,
            self.std if self.featurewise_std_normalization else None,
        )

    def _preprocessed(self, batch: NDArray[Any]) -> NDArray[Any]:
        assert self.preprocessing_function is not None
        for image in batch:
            result = np.asarray(self.preprocessing_function(image.copy()))
            if result.shape != image.shape:
                raise ValueError(
                    f"`preprocessing_function` made an image of shape {image.shape} into one of "
                    f"{result.shape}; expected the same shape"
                )
            image[:] = result
        return batch

    def _standardized(self, batch: NDArray[Any]) -> NDArray[Any]:
        """A batch standardized in place, image by image where they count by themselves."""
        if self.preprocessing_function is not None:
            batch = self._preprocessed(batch)
        return self._whitened(self._scaled(batch, (1, 2, 3)))

    def _scaled(self, x: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
        if self.rescale is not None:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, axes, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, axes, keepdims=True) + _EPSILON
        mean, std = self._fitted()
        if mean is not None:
            x -= mean
        if std is not None:
            x /= std + _EPSILON
        return x

    def _whitened(self, x: NDArray[Any]) -> NDArray[Any]:
        if not self.zca_whitening or self.zca_whitening_matrix is None:
            return x
        flat = x.reshape(-1, self.zca_whitening_matrix.shape[0])
        return np.asarray(flat @ self.zca_whitening_matrix, x.dtype).reshape(x.shape)
