"""Keras' `keras.random`, and `set_seed`, TensorFlow's name in it for `keras.utils.set_random_seed`."""

from pycnn.core import seeds
from pycnn.core.lazy import names_from
from pycnn.core.operations.draws import (
    beta,
    binomial,
    categorical,
    dropout,
    gamma,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)
from pycnn.core.seed_generator import SeedGenerator

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "set_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def set_seed(seed: int) -> None:
    """Seeds weights, shuffling and dropout; `keras.utils.set_random_seed` seeds NumPy as well.

    Args:
        seed: an integer in [0, 2**32).

    Raises:
        TypeError, ValueError: if it is none.

    Example:
        >>> import pycnn as tf
        >>> tf.random.set_seed(1)
    """
    seeds.set_seed(seed)


__getattr__, __dir__ = names_from(__name__, __all__)
