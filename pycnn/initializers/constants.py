"""Weights that all begin with one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.initializers.base import Initializer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Zeros(Initializer):
    """All zero."""

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.zeros(shape, np.float32)


class Ones(Initializer):
    """All one."""

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.ones(shape, np.float32)


class Constant(Initializer):
    """All `value`.

    Args:
        value: a number, or an array that broadcasts to the weight's shape.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.broadcast_to(np.asarray(self.value, np.float32), shape)

    def get_config(self) -> dict[str, Any]:
        value = self.value
        return {"value": value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value}


class Identity(Initializer):
    """A matrix with `gain` on its main diagonal and zeros elsewhere; ValueError for other shapes.

    Args:
        gain: a number.

    Example:
        >>> import pycnn as keras
        >>> keras.initializers.Identity(2.0)((2, 3))
        array([[2., 0., 0.],
               [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices, which have two axes; shape is {shape}")
        return self.gain * np.eye(*shape, dtype=np.float32)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


IdentityInitializer = Identity
constant = Constant
identity = Identity
ones = Ones
zeros = Zeros
