"""Tensors of other libraries and data frames as arrays, without an import of these libraries."""

from __future__ import annotations

from typing import Any

import numpy as np

_SPARSE = ("SparseTensor", "RaggedTensor", "IndexedSlices")


def as_array(name: str, value: Any) -> Any:
    """What NumPy makes an array of numbers of: the value itself, or what another library's object holds.

    Args:
        name: of the argument, for messages.
        value: anything.

    Returns:
        An array for tensors of torch, and for data frames and series of pandas; bfloat16 as float32; all else
        as it is.

    Raises:
        TypeError: if it is sparse or ragged, or a column has no numbers.
    """
    if isinstance(value, (np.ndarray, list, tuple, int, float)):
        return value
    if is_sparse(value):
        raise TypeError(
            f"`{name}` is a {type(value).__name__}, which is sparse or ragged; expected a dense array: "
            f"{name}.toarray() for SciPy, tf.sparse.to_dense({name}) or {name}.to_tensor() for TensorFlow"
        )
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a tensor of torch
        tensor = value.detach().cpu()
        return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    if hasattr(value, "to_numpy") and (hasattr(value, "dtypes") or hasattr(value, "dtype")):
        return _from_frame(name, value)
    if getattr(getattr(value, "dtype", None), "name", None) == "bfloat16":
        return np.asarray(value).astype(np.float32)
    return value


def is_sparse(value: Any) -> bool:
    """Whether it is a sparse matrix of SciPy, or a sparse or ragged tensor of TensorFlow."""
    kind = type(value)
    return kind.__name__ in _SPARSE or (kind.__module__.startswith("scipy.") and hasattr(value, "tocoo"))


def _from_frame(name: str, frame: Any) -> Any:
    """The numbers of a data frame or series; missing values are NaN."""
    series = not hasattr(frame, "columns")
    types = {"": frame.dtype} if series else dict(zip(frame.columns, frame.dtypes, strict=True))
    wrong = {column: str(kind) for column, kind in types.items() if getattr(kind, "kind", "f") not in "biuf"}
    if wrong:
        what = f"has dtype {wrong['']}" if series else f"has columns that are no numbers: {wrong!s:.200}"
        raise TypeError(f"`{name}` {what}; expected numbers, for instance category codes")
    array = frame.to_numpy()
    return array if array.dtype.kind in "biuf" else frame.to_numpy(dtype=np.float64, na_value=np.nan)
