"""TensorFlow's `tf.random`: numbers that follow from `set_seed`; the values are NumPy's, not TensorFlow's."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.operations import draws
from pycnn.core.seed_generator import SeedGenerator, generator_of
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Tensor
from pycnn.random import set_seed
from pycnn.tf.dtypes import numpy_dtype
from pycnn.tf.eager import as_array


def _sizes(shape: Any) -> Any:
    if isinstance(shape, tuple) and None in shape:  # as `tf.shape` gives it for a symbol
        return shape
    return tuple(int(size) for size in np.atleast_1d(as_array("random", shape)))


def _seed(seed: Any) -> SeedGenerator | None:
    """A seed that lets runs of a layer's `call` differ."""
    return None if seed is None else SeedGenerator(seed)


def generator(seed: Any) -> np.random.Generator:
    """NumPy's generator for a seed; for None, the next one that follows from `set_seed`."""
    return generator_of(_seed(seed))


def _typed(name: str, values: Any, dtype: Any) -> Any:
    """A Tensor of a type; symbols, which a layer's `call` computes with, as they are."""
    wanted = numpy_dtype(name, dtype)
    return values if isinstance(values, KerasTensor) else Tensor(np.asarray(values).astype(wanted))


def normal(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: Any = None,
) -> Any:
    """Normally distributed numbers; a symbol in a layer's `call` and where the shape has None.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.random.normal((2, 3), seed=1).shape
        (2, 3)
    """
    return _typed("normal", draws.normal(_sizes(shape), mean, stddev, seed=_seed(seed)), dtype)


def truncated_normal(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: Any = None,
) -> Any:
    """Normally distributed numbers within two standard deviations of the mean."""
    return _typed(
        "truncated_normal", draws.truncated_normal(_sizes(shape), mean, stddev, seed=_seed(seed)), dtype
    )


def uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    name: Any = None,
) -> Any:
    """Numbers from `minval` to below `maxval`: 1 for floats where it is None; integers need it."""
    if numpy_dtype("uniform", dtype).kind == "f":
        high = 1.0 if maxval is None else maxval
        return _typed("uniform", draws.uniform(_sizes(shape), minval, high, seed=_seed(seed)), dtype)
    if maxval is None:
        raise ValueError("uniform: maxval is None; expected a number for integers")
    return _typed("uniform", draws.randint(_sizes(shape), minval, maxval, "int64", _seed(seed)), dtype)


def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = "float32", seed: Any = None, name: Any = None
) -> Any:
    """Numbers of the gamma distribution: of this shape for every `alpha` and rate `beta`.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.random.gamma([4], [0.5, 1.5]).shape
        (4, 2)
    """
    alphas, rates = np.broadcast_arrays(as_array("random.gamma", alpha), 1.0 if beta is None else beta)
    values = draws.gamma((*_sizes(shape), *alphas.shape), alphas, seed=_seed(seed))
    return _typed("gamma", values / np.asarray(rates, np.float32), dtype)


def categorical(
    logits: Any, num_samples: int, dtype: Any = "int64", seed: Any = None, name: Any = None
) -> Any:
    """Class numbers drawn with the probabilities that logits (n, classes) give: (n, num_samples)."""
    return _typed("categorical", draws.categorical(logits, num_samples, seed=_seed(seed)), dtype)


def shuffle(value: Any, seed: Any = None, name: Any = None) -> Tensor:
    """The parts along the first axis in random order."""
    return Tensor(generator(seed).permutation(as_array("shuffle", value)))


def stateless_seed(seed: Any) -> int:
    """One seed of the pair that a stateless function is given."""
    pair = np.asarray(as_array("random", seed)).reshape(-1)
    if pair.size != 2 or pair.dtype.kind not in "iu":
        raise ValueError(f"tf.random: a stateless seed is {seed!r:.200}; expected two integers")
    return int(np.random.SeedSequence([int(n) % 2**32 for n in pair]).generate_state(1)[0])


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = "float32",
    name: Any = None,
) -> Any:
    """Normally distributed numbers that the two integers of the seed say alone."""
    return normal(shape, mean, stddev, dtype, stateless_seed(seed))


def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", name: Any = None
) -> Any:
    """Numbers from `minval` to below `maxval` that the two integers of the seed say alone."""
    return uniform(shape, minval, maxval, dtype, stateless_seed(seed))


class Generator:
    """A sequence of random numbers of its own.

    Args:
        seed: where it begins; None for one that follows from `set_seed`.

    Example:
        >>> import pycnn.tf as tf
        >>> rng = tf.random.Generator.from_seed(123, alg="philox")
        >>> rng.make_seeds(2).shape, rng.uniform((3,)).shape
        ((2, 2), (3,))
    """

    def __init__(self, seed: Any = None) -> None:
        self._generator = generator(seed)

    @classmethod
    def from_seed(cls, seed: int, alg: Any = None) -> Generator:
        """One that begins at a seed; there is one algorithm, NumPy's."""
        return cls(seed)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """One that begins anywhere."""
        return cls()

    def _next(self) -> int:
        return int(self._generator.integers(2**32))

    def make_seeds(self, count: int = 1) -> Tensor:
        """(2, count) integers: columns are seeds of stateless functions."""
        return Tensor(self._generator.integers(0, 2**31, (2, int(count))))

    def normal(self, shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = "float32") -> Any:
        """The next normally distributed numbers."""
        return normal(shape, mean, stddev, dtype, self._next())

    def uniform(self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32") -> Any:
        """The next numbers from `minval` to below `maxval`."""
        return uniform(shape, minval, maxval, dtype, self._next())


__all__ = [
    "Generator",
    "categorical",
    "gamma",
    "normal",
    "set_seed",
    "shuffle",
    "stateless_normal",
    "stateless_uniform",
    "truncated_normal",
    "uniform",
]
