"""Layers that change hue, saturation, sharpness and depth of colours randomly in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.colors import to_hsv, to_rgb
from pycnn.layers.documentation import described
from pycnn.layers.image_base import per_image
from pycnn.layers.image_colors import OfColors, RandomBrightness, RandomContrast, check_colors

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEED = "an integer, or None for one that follows from `keras.utils.set_random_seed`."
_VALUE_RANGE = "the smallest and the largest value of images."
_UPPER = "(lowest, highest), from 0 to 1; one number f is (0, f)."


class _OfFactor(OfColors):
    """With a factor, a range of values and an order of channels."""

    lowest, highest = 0.0, 1.0

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, self.lowest, self.highest, value_range, seed, data_format, **kwargs)


@described(factor=_UPPER, value_range=_VALUE_RANGE, seed=_SEED)
class RandomHue(_OfFactor):
    """In training, half the factor is added to hues or subtracted from them, where 1 is once around.

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> opposite = keras.layers.RandomHue((1, 1))
        >>> opposite(np.array([[[[255.0, 0.0, 0.0]]]]), training=True).ravel()
        array([  0., 255., 255.], dtype=float32)
    """

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        check_colors(self, images)
        side, drawn = self.uniform(images, (0, 1), self.factor)
        low, high = self.value_range
        hsv = to_hsv((images - np.float32(low)) / np.float32(high - low))
        hsv[..., 0] = (hsv[..., 0] + per_image(np.where(side > 0.5, -1, 1) * drawn / 2)[..., 0]) % 1
        found: NDArray[Any] = np.clip(to_rgb(hsv), 0, 1) * np.float32(high - low) + np.float32(low)
        return found


@described(
    factor="""(lowest, highest), from -1 to 1: 0 is gray, 0.5 leaves colours as they are, 1 makes them pure;
        f is (-f, f), as in Keras 3, where what is below 0 is gray too.""",
    value_range=_VALUE_RANGE,
    seed=_SEED,
)
class RandomSaturation(_OfFactor):
    """In training, saturations are multiplied by factor / (1 - factor).

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> gray = keras.layers.RandomSaturation((0, 0))
        >>> gray(np.array([[[[200.0, 100.0, 0.0]]]]), training=True).ravel()
        array([200., 200., 200.], dtype=float32)
    """

    lowest = -1.0

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        check_colors(self, images)
        (drawn,) = self.uniform(images, self.factor)
        hsv = to_hsv(images)
        factor = per_image(drawn / (1 - drawn + 1e-7))[..., 0]
        hsv[..., 1] = np.clip(hsv[..., 1] * factor, *map(np.float32, self.value_range))
        found: NDArray[Any] = to_rgb(hsv)
        return found


@described(factor=_UPPER, value_range=_VALUE_RANGE, seed=_SEED)
class RandomSharpness(_OfFactor):
    """In training, images become smoother (a factor of 0) or sharper (1); 0.5 leaves them as they are.

    They are x + (1 - 2 factor) (smooth - x), where `smooth` weights the eight pixels around by 1/13 and the
    pixel itself by 5/13, with zeros outside. Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> smooth = keras.layers.RandomSharpness((0, 0))
        >>> float(smooth(np.full((1, 3, 3, 1), 13.0), training=True)[0, 1, 1, 0])
        13.0
    """

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        (drawn,) = self.uniform(images, self.factor)
        h, w = images.shape[1:3]
        around = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
        smooth = images * np.float32(4 / 13)
        for down in range(3):
            for right in range(3):
                smooth += around[:, down : down + h, right : right + w] * np.float32(1 / 13)
        low, high = self.value_range
        found: NDArray[Any] = np.clip(images + per_image(1 - 2 * drawn) * (smooth - images), low, high)
        return found


@described(
    factor="bits of each value that are kept, (lowest, highest), from 1 to 8; one number f is (1, f).",
    value_range=_VALUE_RANGE,
    seed=_SEED,
)
class RandomPosterization(_OfFactor):
    """In training, values are rounded down to fewer bits: from the lowest number to below the highest one.

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> two_bits = keras.layers.RandomPosterization((2, 2))
        >>> two_bits(np.array([[[[63.0], [200.0]]]]), training=True).ravel()
        array([  0., 192.], dtype=float32)
    """

    lowest, highest = 1.0, 8.0

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        (drawn,) = self.uniform(images, self.factor)
        step = per_image(2.0 ** (8 - np.floor(drawn)))
        low, high = self.value_range
        scale = np.float32(255 / (high - low))
        bits = np.clip(np.trunc((images - np.float32(low)) * scale), 0, 255)
        found: NDArray[Any] = np.floor(bits / step) * step / scale + np.float32(low)
        return found


@described(
    value_range=_VALUE_RANGE,
    brightness_factor="of RandomBrightness; None for none of it.",
    contrast_factor="of RandomContrast, the same.",
    saturation_factor="of RandomSaturation, the same.",
    hue_factor="of RandomHue, the same.",
    seed=_SEED,
)
class RandomColorJitter(OfColors):
    """In training, brightness, contrast, saturation and hue change, in this order.

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.RandomColorJitter(brightness_factor=(0.2, 0.2))
        >>> layer(np.zeros((1, 1, 1, 3)), training=True).ravel()
        array([51., 51., 51.], dtype=float32)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(0, 0, 1, value_range, seed, data_format, **kwargs)
        self._factors = {
            "brightness_factor": brightness_factor,
            "contrast_factor": contrast_factor,
            "saturation_factor": saturation_factor,
            "hue_factor": hue_factor,
        }
        kinds = (RandomBrightness, RandomContrast, RandomSaturation, RandomHue)
        options: dict[str, Any] = {"value_range": value_range, "data_format": "channels_last"}
        self._steps = tuple(
            kind(factor, seed=(self.actual_seed + place) % 2**32, name=kind.__name__, **options)
            for place, (kind, factor) in enumerate(zip(kinds, self._factors.values(), strict=True))
            if factor is not None
        )

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        for step in self._steps:
            images = step.in_training(images)
        return images

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | self._factors
        del config["factor"]
        return config
