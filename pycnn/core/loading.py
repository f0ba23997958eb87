"""Loads the extension, with a helpful error where it is not built."""

from __future__ import annotations

import importlib
import os
import sys

__all__: list[str] = []


def _check_interpreter() -> None:
    """ImportError in a subinterpreter, where extensions of pybind11 wait for ever for the main one's lock."""
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    try:
        interpreters = importlib.import_module(name)
    except ImportError:
        return
    if interpreters.get_current() != interpreters.get_main():
        raise ImportError(
            "pycnn cannot be imported in a subinterpreter; use processes, or threads of the main one"
        )


_check_interpreter()
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
