"""TensorFlow's `tf.random`: numbers that follow from `set_seed`; the values are NumPy's, not TensorFlow's."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core import seeds
from pycnn.core.tensor import Tensor
from pycnn.random import set_seed
from pycnn.tf.dtypes import numpy_dtype
from pycnn.tf.eager import as_array


def generator(seed: Any) -> np.random.Generator:
    """NumPy's generator for a seed; for None, the next one that follows from `set_seed`."""
    return np.random.default_rng(seeds.next_seed() if seed is None else seeds.checked_seed(seed))


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in np.atleast_1d(as_array("random", shape)))


def normal(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: Any = None,
) -> Tensor:
    """Normally distributed numbers.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.random.normal((2, 3), seed=1).shape
        (2, 3)
    """
    values = generator(seed).normal(mean, stddev, _sizes(shape))
    return Tensor(values.astype(numpy_dtype("normal", dtype)))


def truncated_normal(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: Any = None,
) -> Tensor:
    """Normally distributed numbers within two standard deviations of the mean."""
    draw, sizes = generator(seed), _sizes(shape)
    values = draw.standard_normal(sizes)
    while (far := np.abs(values) > 2).any():
        values[far] = draw.standard_normal(int(far.sum()))
    return Tensor((values * stddev + mean).astype(numpy_dtype("truncated_normal", dtype)))


def uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    name: Any = None,
) -> Tensor:
    """Numbers from `minval` to below `maxval`: 1 for floats where it is None; integers need it."""
    wanted = numpy_dtype("uniform", dtype)
    if wanted.kind == "f":
        values = generator(seed).uniform(minval, 1.0 if maxval is None else maxval, _sizes(shape))
        return Tensor(values.astype(wanted))
    if maxval is None:
        raise ValueError("uniform: maxval is None; expected a number for integers")
    return Tensor(generator(seed).integers(minval, maxval, _sizes(shape)).astype(wanted))


def shuffle(value: Any, seed: Any = None, name: Any = None) -> Tensor:
    """The parts along the first axis in random order."""
    return Tensor(generator(seed).permutation(as_array("shuffle", value)))


__all__ = ["normal", "set_seed", "shuffle", "truncated_normal", "uniform"]
