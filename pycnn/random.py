"""TensorFlow's `tf.random`, as far as programs for Keras use it."""

from pycnn.core import seeds
from pycnn.core.lazy import names_from

__all__ = ["set_seed"]


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
