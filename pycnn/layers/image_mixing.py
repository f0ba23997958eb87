"""Layers that mix the images of a batch, and their labels with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.layers.checks import not_negative
from pycnn.layers.documentation import described
from pycnn.layers.image_base import RandomImageLayer, limits_within, per_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEED = "an integer, or None for one that follows from `keras.utils.set_random_seed`."


class _Mixing(RandomImageLayer):
    """Mixes each image with another one of its batch: a subclass says how, by `mixed`."""

    def mixed(
        self, images: NDArray[Any], others: NDArray[Any], draw: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Images mixed with others, and the weight of the first ones."""
        raise NotImplementedError(f"{type(self).__name__} has no `mixed`")

    def with_labels(
        self, images: NDArray[Any], labels: NDArray[Any] | None
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        draw = np.random.default_rng([self.actual_seed, self._draws])
        self._draws += 1
        order = draw.permutation(len(images))
        found, weights = self.mixed(images, images[order], draw)
        if labels is None:
            return found, None
        if labels.ndim != 2 or len(labels) != len(images):
            raise ValueError(
                f"Layer {self.name!r}: labels have shape {labels.shape}; expected ({len(images)}, classes), "
                f"one-hot vectors, as keras.utils.to_categorical makes them"
            )
        share = weights.astype(np.float32)[:, None]
        return found, share * labels + (1 - share) * labels[order]

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        return self.with_labels(images, None)[0]


@described(alpha="of the weights' beta distribution (alpha, alpha), at least 0.", seed=_SEED)
class MixUp(_Mixing):
    """In training, images and labels are weighted means of two of the batch: Zhang et al. 2017.

    It takes images, or a dict of `images` and one-hot `labels`, of which it returns a new one.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> batch = {"images": np.zeros((4, 2, 2, 3)), "labels": np.eye(4)}
        >>> keras.layers.MixUp(seed=1)(batch)["labels"].sum(1).round(4)
        array([1., 1., 1., 1.], dtype=float32)
    """

    def __init__(
        self, alpha: float = 0.2, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.alpha = not_negative("MixUp: alpha", alpha)
        if self.alpha == 0:
            raise ValueError("MixUp: alpha is 0; expected a number above 0")

    def mixed(
        self, images: NDArray[Any], others: NDArray[Any], draw: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        weights = draw.beta(self.alpha, self.alpha, len(images))
        share = per_image(weights)
        return share * images + (1 - share) * others, weights

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"alpha": self.alpha}


@described(
    factor="alpha of the beta distribution of the kept part, (lowest, highest), 0 to 1; f is (0, f).",
    seed=_SEED,
)
class CutMix(_Mixing):
    """In training, a rectangle of each image is that of another one of the batch: Yun et al. 2019.

    It takes images, or a dict of `images` and one-hot `labels`, which are mixed as the areas are.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> batch = {"images": np.zeros((4, 2, 2, 3)), "labels": np.eye(4)}
        >>> keras.layers.CutMix(seed=1)(batch)["labels"].sum(1).round(4)
        array([1., 1., 1., 1.], dtype=float32)
    """

    def __init__(
        self, factor: Any = 1.0, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = limits_within("CutMix: factor", factor, 0, 1)

    def mixed(
        self, images: NDArray[Any], others: NDArray[Any], draw: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        n, h, w, _ = images.shape
        alpha = draw.uniform(*self.factor) + 1e-6
        side = np.sqrt(1 - draw.beta(alpha, alpha, n))
        inside = np.ones((n, h, w, 1), bool)
        for size, shape in ((w, (1, 1, w, 1)), (h, (1, h, 1, 1))):
            begin = draw.random(n) * (size - size * side)
            places = np.arange(size).reshape(shape)
            first, last = (x[:, None, None, None] for x in (begin, begin + size * side))
            inside &= (places >= first) & (places < last)
        return np.where(inside, others, images), 1 - side * side

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"factor": list(self.factor)}
