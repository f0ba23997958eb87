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
