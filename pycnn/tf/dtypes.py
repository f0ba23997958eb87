"""TensorFlow's names of types: strings that know a little more."""

from __future__ import annotations

from typing import Any

import numpy as np


class DType(str):
    """The name of a type of numbers, such as 'float32'.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.float32 == "float32", tf.uint8.max, tf.float32.is_floating
        (True, 255, True)
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name."""
        return str(self)

    @property
    def as_numpy_dtype(self) -> Any:
        """NumPy's type."""
        return np.dtype(str(self)).type

    @property
    def is_floating(self) -> bool:
        """Whether it has fractions."""
        return np.dtype(str(self)).kind == "f"

    @property
    def is_integer(self) -> bool:
        """Whether it is one of integers."""
        return np.dtype(str(self)).kind in "iu"

    @property
    def max(self) -> Any:
        """The largest number."""
        return np.iinfo(str(self)).max if self.is_integer else np.finfo(str(self)).max

    @property
    def min(self) -> Any:
        """The smallest number."""
        return np.iinfo(str(self)).min if self.is_integer else np.finfo(str(self)).min

    def __repr__(self) -> str:
        return f"tf.{self}"


DTYPES = {
    name: DType(name)
    for name in (
        "bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64",
        "uint8", "uint16", "uint32", "uint64",
    )
}  # fmt: skip


def numpy_dtype(name: str, dtype: Any) -> np.dtype[Any]:
    """NumPy's type for one of TensorFlow's, Python's or NumPy's; TypeError where there is none."""
    try:
        found = np.dtype(str(dtype) if isinstance(dtype, str) else dtype)
    except TypeError:
        found = np.dtype(object)
    if found.kind not in "biuf":
        raise TypeError(f"{name}: dtype is {dtype!r}; expected one of {', '.join(DTYPES)}")
    return found
