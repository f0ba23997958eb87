"""Arguments of layers checked, and made into plain data."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pycnn.layers.base import Layer


def checked_shape(owner: str, shape: Any) -> tuple[int, ...]:
    """The shape of one sample: positive integers."""
    message = (
        f"{owner}: {shape!r} is not the shape of a sample; expected positive integers such as (28, 28, 1)"
    )
    try:
        dims = tuple(operator.index(length) for length in ((shape,) if isinstance(shape, int) else shape))
    except TypeError:
        hint = (
            "; sizes that vary (None) are not supported"
            if isinstance(shape, Sequence) and None in shape
            else ""
        )
        raise ValueError(message + hint) from None
    if any(length < 1 for length in dims) or math.prod(dims) > 2**31:
        raise ValueError(message)
    return dims


def checked_data_format(owner: Layer, data_format: str | None) -> str:
    """'channels_last', the one format there is."""
    if data_format not in (None, "channels_last"):
        raise ValueError(
            f"{type(owner).__name__}: data_format {data_format!r} is not supported; expected 'channels_last'"
        )
    return "channels_last"


def checked_name(name: object) -> str:
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError(f"The `name` of a layer must be a string without '/'; received {name!r:.80}")
    return name


def plain(value: Any) -> Any:
    """Tuples as lists, NumPy numbers as Python's: what JSON gives back."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
