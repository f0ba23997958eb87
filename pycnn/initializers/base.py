"""The base of the initializers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core import serialization

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.arrays import F32


class Initializer:
    """Base of all initializers: a callable from a shape to a float32 array.

    One object gives the same values each time it is called with one shape, as in Keras 3.

    Example:
        >>> import pycnn as keras
        >>> keras.initializers.Ones()((2, 2))
        array([[1., 1.],
               [1., 1.]], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> F32:
        """Values for a weight.

        Args:
            shape: the weight's shape.
            dtype: None or 'float32'.

        Returns:
            A new float32 array of that shape.
        """
        serialization.checked_dtype(dtype, type(self).__name__)
        return np.ascontiguousarray(self._values(tuple(shape)), np.float32)

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        raise NotImplementedError(f"{type(self).__name__} defines no values")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {}

    def __repr__(self) -> str:
        arguments = "".join(
            f" {name}={value!r}" for name, value in self.get_config().items() if "axes" not in name
        )
        return f"<{type(self).__name__}{arguments}>"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """The initializer that `get_config` described."""
        return cls(**config)
