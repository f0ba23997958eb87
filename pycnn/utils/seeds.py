"""One seed for all random numbers."""

from __future__ import annotations

import numpy as np

from pycnn.core import seeds


def set_random_seed(seed: int) -> None:
    """Seeds Python's `random`, NumPy, and pycnn: weights, shuffling and dropout are the same from here on.

    Args:
        seed: an integer in [0, 2**32).

    Raises:
        TypeError, ValueError: if it is none.

    Example:
        >>> import pycnn as keras
        >>> keras.utils.set_random_seed(1)
    """
    import random

    seeds.set_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
