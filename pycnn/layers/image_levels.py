"""Layers that spread, equalize, invert and fade the levels of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.layers.documentation import described
from pycnn.layers.image_base import ImageLayer, RandomImageLayer, checked_range, limits, per_image
from pycnn.layers.image_colors import OfColors, as_gray, check_colors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.blueprint import Blueprint

_SEED = "an integer, or None for one that follows from `keras.utils.set_random_seed`."
_VALUE_RANGE = "the smallest and the largest value of images."


def rescaled(
    images: NDArray[Any], source: tuple[float, float], target: tuple[float, float]
) -> NDArray[np.float32]:
    """Values of one range in another one, not cut off."""
    if source == target:
        return np.asarray(images, np.float32)
    unit = (images - np.float32(source[0])) / np.float32(source[1] - source[0])
    found: NDArray[np.float32] = unit * np.float32(target[1] - target[0]) + np.float32(target[0])
    return found


_BYTES = (0.0, 255.0)


@described(value_range=_VALUE_RANGE)
class AutoContrast(ImageLayer):
    """Spreads the values of each channel of each image over the whole range, in inference too.

    Channels of one value stay as they are. With data_format='channels_first' what is spread is, as in Keras
    3.15, the values of each column of pixels, of all channels.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.AutoContrast()(np.array([[[[50.0], [100.0], [75.0]]]])).ravel()
        array([  0. , 255. , 127.5], dtype=float32)
    """

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = checked_range("AutoContrast: value_range", value_range)

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        values = rescaled(images, self.value_range, _BYTES)
        axes = (1, 3) if self.data_format == "channels_first" else (1, 2)
        low, high = values.min(axes, keepdims=True), values.max(axes, keepdims=True)
        flat = high == low
        scale = np.float32(255) / np.where(flat, np.float32(1), high - low)
        spread = np.clip(values * scale - low * scale, 0, 255)
        return np.where(flat, images, rescaled(spread, _BYTES, self.value_range))

    def in_inference(self, images: NDArray[Any]) -> NDArray[Any]:
        return self.in_training(images)

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        shape: Sequence[int] = self._checked_shape(graph, nodes)
        return graph.host(
            [nodes[0]],
            shape=self._output_shape(shape),
            forward=lambda arrays, _: self._computed(arrays[0], None, True)[0],
            name=self.name,
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"value_range": list(self.value_range)}


@described(value_range=_VALUE_RANGE, bins="how many steps the histograms have, at least 2.")
class Equalization(ImageLayer):
    """In training, values so that all are about as frequent, by the histogram of each channel of the batch.

    As in Keras 3.15, all images of a batch share the histogram; those of one value stay as they are.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.Equalization()(np.array([[[[1.0], [2.0], [4.0], [4.0]]]]), training=True).ravel()
        array([  0.,  85., 255., 255.], dtype=float32)
    """

    def __init__(
        self, value_range: Any = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range = checked_range("Equalization: value_range", value_range)
        self.bins = as_int("Equalization: bins", bins, 2)

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        values = rescaled(images, self.value_range, _BYTES)
        channels = [self._equalized(values[..., i]) for i in range(values.shape[3])]
        return rescaled(np.stack(channels, -1), _BYTES, self.value_range)

    def _equalized(self, channel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values (n, h, w) from 0 to 255."""
        last = self.bins - 1
        steps = np.clip((channel * last / np.float32(255)).astype(np.int64), 0, last)
        counts = np.bincount(steps.ravel(), minlength=self.bins)
        if np.count_nonzero(counts) <= 1:
            return channel
        total = counts.cumsum()
        least = counts[counts > 0][0]
        table = np.rint((total - least) * 255 / (total[-1] - least)).clip(0, 255).astype(np.float32)
        found: NDArray[np.float32] = table[
            np.clip(channel / np.float32(255) * last, 0, last).astype(np.int64)
        ]
        return found

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"bins": self.bins, "value_range": list(self.value_range)}


@described(
    addition_factor="""what is added to values of 0 to 255: from the lowest number to 255 times the highest;
        from 0 to 1; one number f is (0, f).""",
    threshold_factor="the same of the value from which on values are inverted.",
    value_range=_VALUE_RANGE,
    seed=_SEED,
)
class Solarization(RandomImageLayer):
    """In training, a number is added to the values of each image, and those above a threshold are inverted.

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.Solarization()(np.array([[[[10.0], [200.0]]]]), training=True).ravel()
        array([245.,  55.], dtype=float32)
    """

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.addition_factor = _from_zero("Solarization: addition_factor", addition_factor)
        self.threshold_factor = _from_zero("Solarization: threshold_factor", threshold_factor)
        self.value_range = checked_range("Solarization: value_range", value_range)

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        ranges = ((low, 255 * high) for low, high in (self.addition_factor, self.threshold_factor))
        additions, thresholds = map(per_image, self.uniform(images, *ranges))
        values = np.clip(rescaled(images, self.value_range, _BYTES) + additions, 0, 255)
        return rescaled(np.where(values < thresholds, values, 255 - values), _BYTES, self.value_range)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "value_range": list(self.value_range),
            "addition_factor": list(self.addition_factor),
            "threshold_factor": list(self.threshold_factor),
        }


@described(
    factor="(lowest, highest), from -1 to 1: 0 leaves colours as they are, 1 makes them gray; f is (-f, f).",
    value_range=_VALUE_RANGE,
    seed=_SEED,
)
class RandomColorDegeneration(OfColors):
    """In training, colours fade: images of three channels become x + factor (gray - x).

    Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> gray = keras.layers.RandomColorDegeneration((1, 1))
        >>> gray(np.array([[[[0.0, 100.0, 0.0]]]]), training=True).ravel().round(2)
        array([58.7, 58.7, 58.7], dtype=float32)
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, -1, 1, value_range, seed, data_format, **kwargs)

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        check_colors(self, images)
        (drawn,) = self.uniform(images, self.factor)
        low, high = self.value_range
        found: NDArray[Any] = np.clip(images + per_image(drawn) * (as_gray(images) - images), low, high)
        return found


def _from_zero(name: str, factor: Any) -> tuple[float, float]:
    """A pair of numbers from 0 to 1; one number f stands for (0, f)."""
    low, high = limits(name, factor, 0, 1)
    return max(low, 0.0), high
