"""Arguments of layers checked, and made into plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def checked_data_format(owner: object, data_format: str | None) -> str:
    """'channels_last', the one format there is."""
    if data_format not in (None, "channels_last"):
        raise ValueError(
            f"{type(owner).__name__}: data_format {data_format!r} is not supported; expected 'channels_last'"
        )
    return "channels_last"


def plain(value: Any) -> Any:
    """Tuples as lists, NumPy numbers as Python's: what JSON gives back."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
