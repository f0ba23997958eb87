"""Random numbers of a given distribution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.seed_generator import truncated_normal_values
from pycnn.core.seeds import checked_seed, next_seed
from pycnn.initializers.base import Initializer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Random(Initializer):
    """An initializer that draws numbers, from its own seed or the next of `utils.set_random_seed`."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self._start = next_seed() if seed is None else checked_seed(seed)

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng(self._start)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


class RandomNormal(Random):
    """Normal distribution.

    Args:
        mean: its mean.
        stddev: its standard deviation.
        seed: an integer, or None for a random one.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return self._generator().normal(self.mean, self.stddev, shape)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class TruncatedNormal(RandomNormal):
    """Normal distribution whose values further than two standard deviations from the mean are drawn again."""

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return truncated_normal_values(self._generator(), shape) * self.stddev + self.mean


class RandomUniform(Random):
    """Uniform distribution.

    Args:
        minval: lower end.
        maxval: upper end.
        seed: an integer, or None for a random one.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return self._generator().uniform(self.minval, self.maxval, shape)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class Orthogonal(Random):
    """A random matrix with orthonormal rows or columns, reshaped: the last axis is one side of the matrix.

    Args:
        gain: factor of all values.
        seed: an integer, or None for a random one.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a weight of at least two axes, not of shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q *= np.sign(np.diag(r))  # makes the decomposition unique, hence the distribution uniform
        return self.gain * (q if rows >= columns else q.T).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "seed": self.seed}


OrthogonalInitializer = Orthogonal
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
