"""Layers that change images by a few operations, which they draw from a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int, as_number
from pycnn.layers.documentation import described
from pycnn.layers.image_colors import OfColors, RandomBrightness, RandomContrast, check_colors
from pycnn.layers.image_geometry import RandomRotation, RandomShear, RandomTranslation
from pycnn.layers.image_hues import RandomPosterization, RandomSharpness
from pycnn.layers.image_levels import AutoContrast, Equalization, RandomColorDegeneration, Solarization

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.layers.image_base import ImageLayer

_SEED = "an integer, or None for one that follows from `keras.utils.set_random_seed`."
_VALUE_RANGE = "the smallest and the largest value of images."
_FACTOR = "strength of the operations, (lowest, highest), from 0 to 1; one number f is (0, f)."
_INTERPOLATION = "'bilinear' or 'nearest', of operations that move pixels."


class _Policy(OfColors):
    """Has operations to draw from."""

    def __init__(
        self, factor: Any, value_range: Any, interpolation: str, seed: int | None, data_format: str | None,
        all_ops: bool, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(factor, 0, 1, value_range, seed, data_format, **kwargs)
        self.interpolation = interpolation
        self._steps = self._made(all_ops)

    def _made(self, all_ops: bool) -> tuple[ImageLayer, ...]:
        f, bits = self.factor, max(1, int(8 * self.factor[1]))
        order: dict[str, Any] = {"data_format": "channels_last"}
        colors = {"value_range": self.value_range, **order}
        moved = {"interpolation": self.interpolation, **order}
        seeds = iter(range(self.actual_seed + 1, self.actual_seed + 20))

        def drawn(kind: Callable[..., ImageLayer], *args: Any, **options: Any) -> ImageLayer:
            return kind(*args, seed=next(seeds) % 2**32, **options)

        steps = [
            drawn(RandomShear, f, f, **moved),
            drawn(RandomTranslation, f, f, **moved),
            drawn(RandomRotation, f, **moved),
            drawn(RandomPosterization, bits, **colors),
            drawn(Solarization, f, f, **colors),
            AutoContrast(**colors),
            Equalization(**colors),
        ]
        if all_ops:
            kinds = (RandomBrightness, RandomColorDegeneration, RandomContrast, RandomSharpness)
            steps += [drawn(kind, f, **colors) for kind in kinds]
        return tuple(steps)

    def next_draw(self) -> np.random.Generator:
        """Random numbers of this call, which are those of the whole batch."""
        draw = np.random.default_rng([self.actual_seed, self._draws])
        self._draws += 1
        return draw

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"interpolation": self.interpolation}


@described(
    value_range=_VALUE_RANGE,
    num_ops="how many operations are applied, one after the other, at least 0.",
    factor=_FACTOR,
    interpolation=_INTERPOLATION,
    seed=_SEED,
)
class RandAugment(_Policy):
    """In training, images of three channels change by operations drawn from eleven: Cubuk et al. 2019.

    These are shear, translation, rotation, brightness, fading of colours, contrast, sharpness, posterization,
    solarization, auto-contrast and equalization, as the layers of these names with `factor`. All images of a
    batch get the same operations, with numbers of their own. Inside a model no gradient goes through it.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.RandAugment(seed=1)(np.full((2, 8, 8, 3), 90.0), training=True).shape
        (2, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, interpolation, seed, data_format, True, **kwargs)
        self.num_ops = as_int("RandAugment: num_ops", num_ops, 0)

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        check_colors(self, images)
        for number in self.next_draw().integers(0, len(self._steps), self.num_ops):
            images = self._steps[number].in_training(images)
        return images

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"num_ops": self.num_ops}


@described(
    value_range=_VALUE_RANGE,
    num_chains="how many chains are mixed, at least 1.",
    chain_depth="most operations of a chain, at least 0.",
    factor=_FACTOR,
    alpha="of the distributions of the weights: Dirichlet's of chains, the beta of image and mixture.",
    all_ops="whether brightness, fading of colours, contrast and sharpness are among the operations.",
    interpolation=_INTERPOLATION,
    seed=_SEED,
)
class AugMix(_Policy):
    """In training, images are mixed with what chains of operations make of them: Hendrycks et al. 2019.

    The operations are those of `RandAugment`; each of a chain's may be left out. All images of a batch get
    the same operations and weights, with numbers of their own. Inside a model no gradient goes through it.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.AugMix(seed=1)(np.full((2, 8, 8, 3), 90.0), training=True).shape
        (2, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.all_ops = bool(all_ops)
        super().__init__(factor, value_range, interpolation, seed, data_format, self.all_ops, **kwargs)
        self.num_chains = as_int("AugMix: num_chains", num_chains, 1)
        self.chain_depth = as_int("AugMix: chain_depth", chain_depth, 0)
        self.alpha = as_number("AugMix: alpha", alpha)
        if self.alpha <= 0:
            raise ValueError(f"AugMix: alpha is {alpha!r}; expected a number above 0")

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        if self.all_ops:
            check_colors(self, images)
        draw = self.next_draw()
        weights = draw.dirichlet([self.alpha] * self.num_chains).astype(np.float32)
        share = np.float32(draw.beta(self.alpha, self.alpha))
        mixture = np.zeros(images.shape, np.float32)
        for weight in weights:
            changed = images
            for number in draw.integers(0, len(self._steps) + 1, self.chain_depth):
                if number < len(self._steps):
                    changed = self._steps[number].in_training(changed)
            mixture += weight * changed
        found: NDArray[Any] = np.clip(share * images + (1 - share) * mixture, *self.value_range)
        return found

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "num_chains": self.num_chains,
            "chain_depth": self.chain_depth,
            "alpha": self.alpha,
            "all_ops": self.all_ops,
        }
