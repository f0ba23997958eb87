"""What calls on arrays return: NumPy's arrays and numbers that also have TensorFlow's `numpy()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Array(np.ndarray):
    """An array; `numpy()` gives it as NumPy's own class.

    Example:
        >>> import pycnn as keras
        >>> y = keras.layers.Flatten()([[[1.0], [2.0]]])
        >>> y
        array([[1., 2.]], dtype=float32)
        >>> type(y.numpy())
        <class 'numpy.ndarray'>
    """

    def numpy(self) -> NDArray[Any]:
        """The same memory as an ordinary array."""
        return self.view(np.ndarray)

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


class Number(np.float32):
    """A float32 number; `numpy()` gives it as NumPy's own class."""

    def numpy(self) -> Any:
        """The number."""
        return np.float32(self)

    def __repr__(self) -> str:
        return repr(np.float32(self))


def as_result(x: Any) -> Any:
    """An array or number of NumPy's as one that has `numpy()`; anything else as it is."""
    if type(x) is np.ndarray:
        return x.view(Array)
    return Number(x) if type(x) is np.float32 else x
