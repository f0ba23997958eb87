"""The number formats that arrays have in files, by their names in safetensors files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]

# What their bytes are read as; NumPy has no bfloat16.
STORED: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2"),
    "I64": np.dtype("<i8"), "I32": np.dtype("<i4"), "I16": np.dtype("<i2"), "I8": np.dtype("i1"),
    "U8": np.dtype("u1"), "BOOL": np.dtype("u1"),
}  # fmt: skip
FLOATS = ("F64", "F32", "F16", "BF16")


def as_float32(values: NDArray[Any], number_format: str) -> F32:
    """Numbers as they were stored, in float32.

    Example:
        >>> as_float32(np.array([0x3F80], "<u2"), "BF16")
        array([1.], dtype=float32)
    """
    if number_format == "BF16":  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite
        return values.astype(np.float32)
