"""Loads the core, with a word of help where it is not there."""

from __future__ import annotations

import os

__all__: list[str] = []

try:
    from pycnn import _core as _core
except ImportError as error:
    if not str(error).startswith("cannot import name '_core'"):
        raise  # it is there, and says itself what is wrong
    raise ImportError(
        f"pycnn is not built in {os.path.dirname(__file__)}: start Python in another folder than that of the "
        "sources, or build it there (pip install -e .)"
    ) from error
