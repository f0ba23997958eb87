"""What `ImageDataGenerator` draws for an image, and from which ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F64: TypeAlias = NDArray[np.float64]

# Columns of drawn parameters; the first eight are those of the core's `image_matrices`.
NAMES = (
    "theta",
    "tx",
    "ty",
    "shear",
    "zx",
    "zy",
    "flip_horizontal",
    "flip_vertical",
    "channel_shift_intensity",
    "brightness",
)
NEUTRAL = (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0)
AFFINE = 8
SHIFT, BRIGHTNESS = 8, 9
_SIGN = len(NAMES)  # two uniform numbers more, for the signs of shifts that are drawn from a list


class Shift(NamedTuple):
    """How far images are shifted along one axis: evenly up to `limit`, or by one of `choices` and a sign."""

    limit: float
    choices: F64 | None
    relative: bool  # to the length of the axis

    def draw(self, u: F64, sign: F64, length: int) -> F64:
        """Shifts in pixels from numbers evenly drawn from [0, 1)."""
        if self.choices is None:
            shift: F64 = self.limit * (2.0 * u - 1.0)
        else:
            shift = self.choices[(u * len(self.choices)).astype(np.int64)] * np.where(sign < 0.5, -1.0, 1.0)
        return shift * length if self.relative else shift


def shift_of(name: str, value: Any) -> Shift:
    """A fraction below 1, pixels as a float, an integer n for those below n, or a list of them."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        if value < 0:
            raise ValueError(f"`{name}` is {value}; expected at least 0")
        return Shift(0.0, np.arange(value, dtype=np.float64) if value else None, False)
    if isinstance(value, (list, tuple, np.ndarray)):
        numbers = [as_number(f"{name}[{i}]", number) for i, number in enumerate(value)]
        if not numbers:
            raise ValueError(f"`{name}` is an empty list; expected numbers")
        return Shift(0.0, np.array(numbers), max(numbers) < 1)
    number = as_number(name, value)
    return Shift(abs(number), None, number < 1)


def zoom_of(value: Any) -> tuple[float, float]:
    """(lowest, highest) of a number or of a pair."""
    if isinstance(value, (list, tuple, np.ndarray)):
        if len(value) != 2:
            raise ValueError(f"`zoom_range` is {value!r}; expected a number or two")
        return as_number("zoom_range[0]", value[0]), as_number("zoom_range[1]", value[1])
    number = as_number("zoom_range", value)
    return 1.0 - number, 1.0 + number


def pair_of(name: str, value: Any) -> tuple[float, float]:
    """Two numbers."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise ValueError(f"`{name}` is {value!r}; expected two numbers")
    return as_number(f"{name}[0]", value[0]), as_number(f"{name}[1]", value[1])


class Ranges:
    """From which parameters are drawn.

    Args:
        rotation, shear, channel_shift: largest numbers in both directions.
        width_shift, height_shift: as `ImageDataGenerator` takes them.
        zoom, brightness: (lowest, highest); brightness may be None.
        flips: horizontal, vertical.
        swap_shifts: whether the height's shift moves images sideways, as in Keras.
    """

    def __init__(
        self,
        rotation: float,
        width_shift: Shift,
        height_shift: Shift,
        shear: float,
        zoom: tuple[float, float],
        channel_shift: float,
        brightness: tuple[float, float] | None,
        flips: tuple[bool, bool],
        swap_shifts: bool,
    ) -> None:
        shine = brightness or (1.0, 1.0)
        self._low = np.array([-rotation, 0, 0, -shear, zoom[0], zoom[0], 0, 0, -channel_shift, shine[0]])
        high = np.array([rotation, 0, 0, shear, zoom[1], zoom[1], 0, 0, channel_shift, shine[1]])
        self._span = high - self._low
        self._flips = np.where(flips, 0.5, 0.0)
        self._width, self._height = width_shift, height_shift
        self._swap = swap_shifts
        still = (
            (self._low == NEUTRAL).all()
            and not self._span.any()
            and not any(flips)
            and all(shift.limit == 0 and shift.choices is None for shift in (width_shift, height_shift))
        )
        self.active = not still

    def draw(self, seed: int, epoch: int, samples: NDArray[np.int64], height: int, width: int) -> F64:
        """Parameters of samples, a row each; they depend on nothing but the arguments."""
        u = _core.random_uniforms(seed, epoch, samples, _SIGN + 2)
        drawn: F64 = self._low + self._span * u[:, :_SIGN]
        across = self._width.draw(u[:, 2], u[:, _SIGN], width)
        down = self._height.draw(u[:, 1], u[:, _SIGN + 1], height)
        drawn[:, 1], drawn[:, 2] = (down, across) if self._swap else (across, down)
        drawn[:, 6:8] = u[:, 6:8] < self._flips
        return drawn
