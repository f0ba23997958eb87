"""Layers that change colours randomly in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_number
from pycnn.core.colors import GRAY
from pycnn.layers.documentation import described
from pycnn.layers.image_base import RandomImageLayer, checked_range, limits_within, per_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEED = "an integer, or None for one that follows from `keras.utils.set_random_seed`."
_VALUE_RANGE = "the smallest and the largest value of images; values beyond are cut off."


def check_colors(layer: RandomImageLayer, images: NDArray[Any]) -> None:
    """ValueError unless images have three channels."""
    if images.shape[3] != 3:
        raise ValueError(f"Layer {layer.name!r}: images have {images.shape[3]} channels; expected 3 colours")


def as_gray(images: NDArray[Any]) -> NDArray[np.float32]:
    """The brightness (n, h, w, 1) of colours (n, h, w, 3)."""
    found: NDArray[np.float32] = (images @ GRAY)[..., None]
    return found


class OfColors(RandomImageLayer):
    """With a factor and a range of values.

    Args:
        factor: a number, or a pair.
        low, high: what the factor may be.
        value_range: smallest and largest value.
        seed, data_format, kwargs: as in RandomImageLayer.
    """

    def __init__(
        self,
        factor: Any,
        low: float,
        high: float,
        value_range: Any,
        seed: int | None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        name = type(self).__name__
        self.factor = limits_within(f"{name}: factor", factor, low, high)
        self.value_range = checked_range(f"{name}: value_range", value_range)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"factor": list(self.factor), "value_range": list(self.value_range)}


@described(
    factor="(lowest, highest), from 0 to 1; one number f is (0, f), as in Keras 3.",
    value_range=_VALUE_RANGE,
    seed=_SEED,
)
class RandomContrast(OfColors):
    """In training, (x - mean) * factor + mean, with the mean of each image and channel.

    The factor is from 1 - lowest to 1 + highest. Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> double = keras.layers.RandomContrast((0, 1), seed=0)
        >>> y = double(np.array([[[[10.0], [20.0]]]]), training=True)
        >>> bool(y[0, 0, 0, 0] <= 10), float(y.mean())
        (True, 15.0)
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(factor, 0, 1, value_range, seed, **kwargs)

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        (drawn,) = self.uniform(images, (1 - self.factor[0], 1 + self.factor[1]))
        mean = images.mean((1, 2), keepdims=True, dtype=np.float64).astype(np.float32)
        low, high = self.value_range
        found: NDArray[Any] = np.clip((images - mean) * per_image(drawn) + mean, low, high)
        return found


@described(
    factor="fractions of the range that are added, (lowest, highest), from -1 to 1; one number f is (-f, f).",
    value_range=_VALUE_RANGE,
    seed=_SEED,
)
class RandomBrightness(OfColors):
    """In training, images with a number added.

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> brighter = keras.layers.RandomBrightness((0.2, 0.2), value_range=(0, 1))
        >>> brighter(np.array([[[[0.0], [0.5], [0.9]]]]), training=True).ravel()
        array([0.2, 0.7, 1. ], dtype=float32)
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(factor, -1, 1, value_range, seed, **kwargs)

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        (drawn,) = self.uniform(images, self.factor)
        low, high = self.value_range
        return np.clip(images + per_image(drawn * (high - low)), low, high)


@described(
    factor="probabilities, (lowest, highest), from 0 to 1; one number f is (0, f).",
    value_range="the smallest and the largest value of images.",
    seed=_SEED,
)
class RandomInvert(OfColors):
    """In training, some images become the largest value minus themselves.

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.RandomInvert((1, 1))(np.full((1, 1, 1, 3), 55.0), training=True).ravel()
        array([200., 200., 200.], dtype=float32)
    """

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, 0, 1, value_range, seed, data_format, **kwargs)

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        threshold, probability = self.uniform(images, (0, 1), self.factor)
        chosen = per_image(threshold < probability) != 0
        return np.where(chosen, np.float32(self.value_range[1]) - images, images)


@described(
    factor="probability that an image becomes gray, from 0 to 1.",
    seed=_SEED,
)
class RandomGrayscale(RandomImageLayer):
    """In training, some images of three channels become gray: 0.2989 red + 0.587 green + 0.114 blue.

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.RandomGrayscale(1.0)(np.array([[[[0.0, 100.0, 0.0]]]]), training=True).ravel()
        array([58.7, 58.7, 58.7], dtype=float32)
    """

    def __init__(
        self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = as_number("RandomGrayscale: factor", factor)
        if not 0 <= self.factor <= 1:
            raise ValueError(f"RandomGrayscale: factor is {factor!r}; expected a number from 0 to 1")

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        check_colors(self, images)
        (drawn,) = self.uniform(images, (0, 1))
        chosen = per_image(drawn < self.factor) != 0
        return np.where(chosen, as_gray(images), images)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"factor": self.factor}


@described(
    factor="probabilities that an image is changed, (lowest, highest), from 0 to 1; one number f is (0, f).",
    scale="squares of the patch's height and width in parts of the image's, (lowest, highest).",
    fill_value="a number, or one for each of three channels; None for normal numbers times the largest.",
    value_range=_VALUE_RANGE,
    seed=_SEED,
)
class RandomErasing(OfColors):
    """In training, a rectangle of some images gets other values.

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> half = keras.layers.RandomErasing((1, 1), scale=(0.25, 0.25), fill_value=0)
        >>> float(half(np.ones((1, 4, 4, 1)), training=True).sum())
        12.0
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, 0, 1, value_range, seed, data_format, **kwargs)
        self.scale = limits_within("RandomErasing: scale", scale, 0, 1)
        several = isinstance(fill_value, (tuple, list))
        if several and len(fill_value) != 3:
            raise ValueError(f"RandomErasing: fill_value is {fill_value!r}; expected a number or three")
        if fill_value is not None:
            for value in fill_value if several else (fill_value,):
                as_number("RandomErasing: fill_value", value)
        self.fill_value = list(fill_value) if several else fill_value

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        if isinstance(self.fill_value, list):
            check_colors(self, images)
        n, h, w, _ = images.shape
        calls = self._draws
        wide, high, right, down, threshold, probability = self.uniform(
            images, self.scale, self.scale, (0, 1), (0, 1), (0, 1), self.factor
        )
        inside = np.ones((n, h, w, 1), bool)
        for size, part, start, shape in (
            (w, wide, right, (1, 1, w, 1)),
            (h, high, down, (1, h, 1, 1)),
        ):
            length = size * np.sqrt(part)
            begin = start * (size - length)
            places = np.arange(size).reshape(shape)
            begin, end = (x[:, None, None, None] for x in (begin, begin + length))
            inside &= (places >= begin) & (places < end)
        inside &= (threshold < probability)[:, None, None, None]
        low, high_value = self.value_range
        if self.fill_value is None:
            normal = np.random.default_rng([self.actual_seed, calls]).standard_normal(images.shape)
            values = normal * high_value
        else:
            values = np.broadcast_to(np.asarray(self.fill_value, np.float64), images.shape)
        return np.where(inside, np.clip(values, low, high_value).astype(np.float32), images)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"scale": list(self.scale), "fill_value": self.fill_value}
