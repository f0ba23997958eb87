"""Loads the extension, with a helpful error where it is not built."""

from __future__ import annotations

import os

__all__: list[str] = []

try:
    from pycnn import _core as _core
except ImportError as error:
    if not str(error).startswith("cannot import name '_core'"):
        raise  # it is there, and says itself what is wrong
    folder = os.path.dirname(os.path.dirname(__file__))
    raise ImportError(
        f"pycnn is not built in {folder}: start Python in another folder than that of the "
        "sources, or build it there (pip install -e .)"
    ) from error
