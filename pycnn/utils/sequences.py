"""Lists of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycnn.core.arguments import as_int
from pycnn.core.names import unknown


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> NDArray[Any]:
    """Lists of different lengths as one array: shorter ones are filled up, longer ones cut.

    Args:
        sequences: lists or arrays, whose items all have one shape.
        maxlen: length of the result; None for that of the longest.
        dtype: of the result.
        padding: 'pre' or 'post': where shorter ones are filled up.
        truncating: 'pre' or 'post': where longer ones are cut.
        value: that fills up.

    Returns:
        An array (number of sequences, maxlen, ...).

    Raises:
        TypeError, ValueError: if an argument is wrong, or the items' shapes differ.

    Example:
        >>> import pycnn as keras
        >>> keras.utils.pad_sequences([[1], [2, 3]])
        array([[0, 1],
               [2, 3]], dtype=int32)
    """
    for name, given in (("padding", padding), ("truncating", truncating)):
        if given not in ("pre", "post"):
            raise unknown(name, given, ("pre", "post"))
    if not hasattr(sequences, "__len__") or not all(hasattr(x, "__len__") for x in sequences):
        raise ValueError(f"`sequences` is {sequences!r:.200}; expected lists")
    arrays = [np.asarray(x) for x in sequences]
    shapes = {x.shape[1:] for x in arrays if len(x)}
    if len(shapes) > 1:
        raise ValueError(f"The items of `sequences` have the shapes {sorted(shapes)}; expected one shape")
    length = max(map(len, arrays), default=0) if maxlen is None else as_int("`maxlen`", maxlen, 0)
    if isinstance(value, str) and np.dtype(dtype).kind not in "OUS":
        raise ValueError(f"`value` is {value!r}, which does not fit dtype {dtype!r}; dtype=object takes it")
    found = np.full((len(arrays), length, *next(iter(shapes), ())), value, dtype)
    for row, x in zip(found, arrays, strict=True):
        kept = x[max(len(x) - length, 0) :] if truncating == "pre" else x[:length]
        if len(kept):
            row[length - len(kept) if padding == "pre" else 0 :][: len(kept)] = kept
    return found
