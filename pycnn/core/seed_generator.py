"""Keras' generator of seeds; NumPy's generators for whatever a program gives as `seed`; a distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core import seeds
from pycnn.core.names import auto_name

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SeedGenerator:
    """A sequence of seeds of its own, for functions of `keras.random`: each call takes the next one.

    Args:
        seed: an integer in [0, 2**32); None draws one, which follows from `keras.utils.set_random_seed`.
        name: None for an automatic one.

    Raises:
        TypeError, ValueError: if the seed is no such integer.

    Example:
        >>> import pycnn as keras
        >>> generator = keras.random.SeedGenerator(7)
        >>> generator.next().tolist(), generator.next().tolist()
        ([7, 0], [7, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self._initial_seed = None if seed is None else seeds.checked_seed(seed)
        self.state = np.array([seeds.next_seed() if seed is None else seed, 0], np.uint32)

    @property
    def seed(self) -> int:
        """The first number of every seed."""
        return int(self.state[0])

    def next(self, ordered: bool = True) -> Any:
        """The next seed: two numbers, the second of which counts the calls."""
        found = self.state.copy()
        self.state[1] += np.uint32(1)
        return found

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """A new one from what `get_config` returned."""
        return cls(**config)


def generator_of(seed: Any) -> np.random.Generator:
    """NumPy's generator for an integer, a SeedGenerator or None, which is the next seed of `set_seed`."""
    if isinstance(seed, SeedGenerator):
        return np.random.default_rng(seed.next())
    return np.random.default_rng(seeds.next_seed() if seed is None else seeds.checked_seed(seed))


def truncated_normal_values(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Standard normal numbers; those further from zero than two are drawn again."""
    values = generator.standard_normal(shape)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return values
