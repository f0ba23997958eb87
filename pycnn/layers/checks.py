"""Arguments of layers checked, and made into plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def check_axes(name: str, shape: tuple[int, ...], axes: int) -> None:
    """ValueError where samples have another number of axes."""
    if len(shape) != axes:
        raise ValueError(
            f"Layer {name!r} expects samples of {axes} axes, but its input has shape {(None, *shape)}"
        )


def plain(value: Any) -> Any:
    """Tuples as lists, NumPy numbers as Python's: what JSON gives back."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
