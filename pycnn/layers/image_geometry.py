"""Layers that flip, turn, shift, zoom and shear images randomly in training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_number
from pycnn.layers.documentation import described
from pycnn.layers.image_base import FILL_MODES, INTERPOLATIONS, RandomImageLayer, limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEED = "an integer, or None for one that follows from `keras.utils.set_random_seed`."
_FILL_MODE = """what lies outside of an image a b c d: 'reflect' (b a | a b c d | d c), 'wrap'
        (c d | a b c d | a b), 'nearest' (a a | a b c d | d d) or 'constant' (`fill_value`)."""
_AFFINE = {
    "fill_mode": _FILL_MODE,
    "interpolation": "'bilinear' or 'nearest'.",
    "seed": _SEED,
    "fill_value": "for fill_mode='constant'.",
}
_FLIPS = {
    "horizontal": (False, True),
    "vertical": (True, False),
    "horizontal_and_vertical": (True, True),
}


@described(
    mode="""'horizontal' (left to right), 'vertical' or 'horizontal_and_vertical', where, as in Keras 3, an
        image is flipped both ways or not at all.""",
    seed=_SEED,
)
class RandomFlip(RandomImageLayer):
    """In training, every other image is flipped, by chance.

    Inside a model no gradient goes through it: it comes first. In inference nothing changes.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.RandomFlip("horizontal", seed=1)
        >>> x = np.arange(3.0).reshape(1, 1, 3, 1)
        >>> sorted({str(layer(x, training=True).ravel()) for _ in range(20)})
        ['[0. 1. 2.]', '[2. 1. 0.]']
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        if mode not in _FLIPS:
            raise ValueError(f"RandomFlip: mode is {mode!r}; expected one of {', '.join(map(repr, _FLIPS))}")
        self.mode = mode

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        (drawn,) = self.uniform(images, (0, 1))
        chosen = drawn <= 0.5
        vertical, horizontal = _FLIPS[self.mode]
        found = np.array(images)
        found[chosen] = images[chosen, :: -1 if vertical else 1, :: -1 if horizontal else 1]
        return found

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"mode": self.mode}


class _Affine(RandomImageLayer):
    """Maps coordinates: a subclass says from where, by `maps`."""

    def __init__(
        self,
        fill_mode: str,
        interpolation: str,
        seed: int | None,
        fill_value: float,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        name = type(self).__name__
        for argument, value, choices in (
            ("fill_mode", fill_mode, FILL_MODES),
            ("interpolation", interpolation, tuple(INTERPOLATIONS)),
        ):
            if value not in choices:
                raise ValueError(f"{name}: {argument} is {value!r}; expected one of {choices}")
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = as_number(f"{name}: fill_value", fill_value)

    def maps(self, images: NDArray[Any]) -> list[Any]:
        """a0, a1, a2, b0, b1, b2 of each image: (x, y) is its (a0 x + a1 y + a2, b0 x + b1 y + b2)."""
        raise NotImplementedError(f"{type(self).__name__} has no `maps`")

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        a0, a1, a2, b0, b1, b2 = self.maps(images)
        matrices = np.empty((len(images), 6))
        for column, of_one in enumerate((b1, b0, b2, a1, a0, a2)):  # rows first
            matrices[:, column] = of_one
        size, fill_mode = images.shape[1:3], self.fill_mode
        if fill_mode == "constant":  # beyond a border of the value, which edges are interpolated with
            border = ((0, 0), (1, 1), (1, 1), (0, 0))
            images = np.pad(images, border, constant_values=np.float32(self.fill_value))
            matrices[:, [2, 5]] += 1
            fill_mode = "nearest"
        return _core.augment_images(
            np.require(images, np.float32, ["C", "A"]),
            None,
            matrices,
            size=(size[0], size[1]),
            order=INTERPOLATIONS[self.interpolation],
            fill_mode=fill_mode,
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "fill_value": self.fill_value,
        }


def _about_center(images: NDArray[Any], a0: Any, a1: Any, b0: Any, b1: Any) -> list[Any]:
    """A linear map of coordinates that are counted from the center."""
    x, y = (images.shape[2] - 1) / 2, (images.shape[1] - 1) / 2
    return [a0, a1, x - a0 * x - a1 * y, b0, b1, y - b0 * x - b1 * y]


@described(
    factor="""fractions of a full turn, (lowest, highest), from -1 to 1, counter-clockwise where positive; one
        number f is (-f, f).""",
    **_AFFINE,
)
class RandomRotation(_Affine):
    """In training, images are turned about their center.

    Inside a model no gradient goes through it: it comes first. In inference nothing changes.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> quarter = keras.layers.RandomRotation((0.25, 0.25))
        >>> quarter(np.arange(4.0).reshape(1, 2, 2, 1), training=True).reshape(2, 2).round(4)
        array([[1., 3.],
               [0., 2.]], dtype=float32)
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = limits("RandomRotation: factor", factor, -1, 1)

    def maps(self, images: NDArray[Any]) -> list[Any]:
        (turn,) = self.uniform(images, self.factor)
        cos, sin = np.cos(2 * math.pi * turn), np.sin(2 * math.pi * turn)
        return _about_center(images, cos, -sin, sin, cos)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"factor": list(self.factor)}


class _OfTwoFactors(_Affine):
    """With a factor along the height and one along the width."""

    def __init__(
        self, height_factor: Any, width_factor: Any, low: float, open_below: bool, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        name = type(self).__name__
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._height = limits(f"{name}: height_factor", height_factor, low, 1, open_below)
        self._width = None
        if width_factor is not None:
            self._width = limits(f"{name}: width_factor", width_factor, low, 1, open_below)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }


@described(
    height_factor="""fractions of the height, (lowest, highest), from -1 to 1, down where positive; f is
        (-f, f).""",
    width_factor="the same of the width, to the right.",
    **_AFFINE,
)
class RandomTranslation(_OfTwoFactors):
    """In training, images are shifted.

    Inside a model no gradient goes through it: it comes first. In inference nothing changes.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> right = keras.layers.RandomTranslation(0, (0.25, 0.25), fill_mode="constant")
        >>> right(np.arange(1.0, 5.0).reshape(1, 1, 4, 1), training=True).ravel()
        array([0., 1., 2., 3.], dtype=float32)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        if width_factor is None:
            raise ValueError("RandomTranslation: width_factor is None; expected a number or a pair of them")
        rest = (fill_mode, interpolation, seed, fill_value, data_format)
        super().__init__(height_factor, width_factor, -1, False, *rest, **kwargs)

    def maps(self, images: NDArray[Any]) -> list[Any]:
        assert self._width is not None
        down, right = self.uniform(images, self._height, self._width)
        return [1, 0, -right * images.shape[2], 0, 1, -down * images.shape[1]]


@described(
    height_factor="""(lowest, highest), above -1 to 1: what is seen is 1 + factor times as high; images shrink
        where it is positive. f is (-f, f).""",
    width_factor="the same of the width; None for the height's, which keeps the proportions.",
    **_AFFINE,
)
class RandomZoom(_OfTwoFactors):
    """In training, images are zoomed about their center.

    Inside a model no gradient goes through it: it comes first. In inference nothing changes.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> closer = keras.layers.RandomZoom((-0.5, -0.5))
        >>> closer(np.arange(4.0).reshape(1, 1, 4, 1), training=True).ravel()
        array([0.75, 1.25, 1.75, 2.25], dtype=float32)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        rest = (fill_mode, interpolation, seed, fill_value, data_format)
        super().__init__(height_factor, width_factor, -1, True, *rest, **kwargs)

    def maps(self, images: NDArray[Any]) -> list[Any]:
        high, wide = self.uniform(images, self._height, self._width or self._height)
        wide = high if self._width is None else wide
        return _about_center(images, 1 + wide, 0, 0, 1 + high)


@described(
    x_factor="(lowest, highest), from 0 to 1: pixels along x for one along y, to either side; f is (-f, f).",
    y_factor="the same along y for one along x.",
    **_AFFINE,
)
class RandomShear(_Affine):
    """In training, images are sheared about their upper left corner.

    Inside a model no gradient goes through it: it comes first. In inference nothing changes.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.RandomShear(0.5)(np.ones((1, 4, 4, 1)), training=True).shape
        (1, 4, 4, 1)
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = limits("RandomShear: x_factor", x_factor, 0, 1)
        self.y_factor = limits("RandomShear: y_factor", y_factor, 0, 1)

    def maps(self, images: NDArray[Any]) -> list[Any]:
        side, along_y, along_x = self.uniform(images, (0, 1), self.y_factor, self.x_factor)
        sign = np.where(side > 0.5, -1, 1)
        return [1, sign * along_x, 0, sign * along_y, 1, 0]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"x_factor": list(self.x_factor), "y_factor": list(self.y_factor)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer; the limits of one number f were -f to f."""
        config = dict(config)
        for name in ("x_factor", "y_factor"):
            if isinstance(config.get(name), (list, tuple)) and config[name][0] < 0:
                config[name] = config[name][1]
        return cls(**config)
