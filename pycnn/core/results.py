"""What layers, models and losses return for arrays: NumPy's own, which also answer `numpy()`."""

from __future__ import annotations

from typing import Any

import numpy as np


class Array(np.ndarray):
    """An array that answers `numpy()`, as programs for TensorFlow ask of a tensor.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> y = keras.layers.ReLU()(np.array([[-1.0, 2.0]], np.float32))
        >>> y
        array([[0., 2.]], dtype=float32)
        >>> type(y.numpy()) is np.ndarray
        True
    """

    def numpy(self) -> Any:
        """The same numbers as an array of NumPy's own class; without axes, as a number of NumPy's."""
        return self.view(np.ndarray)[()]

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return answering(array[()]) if array.ndim == 0 else array.view(Array)

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


class Number(np.float32):
    """A number that answers `numpy()`."""

    def numpy(self) -> np.float32:
        """The same number of NumPy's own class."""
        number: np.float32 = np.float32(float(self))
        return number


class Real(float):
    """A number of Python that answers `numpy()`."""

    def numpy(self) -> np.float32:
        """The same number as NumPy's float32."""
        number: np.float32 = np.float32(float(self))
        return number


def answering(result: Any) -> Any:
    """An array or a number with fractions as one that answers `numpy()`; all else as it is."""
    if type(result) is np.ndarray:
        return result.view(Array)
    if type(result) is float:
        return Real(result)
    return Number(result) if type(result) is np.float32 else result
