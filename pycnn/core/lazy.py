"""Packages whose modules are imported when one of their names is used first."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any


def names_from(
    package: str,
    names: Sequence[str],
    modules: Sequence[str],
    absent: Callable[[str], str | None] | None = None,
) -> Callable[[str], Any]:
    """The `__getattr__` of a package.

    Args:
        package: its name.
        names: what it offers.
        modules: where that is, each looked into in turn.
        absent: gives what to do instead of a name that Keras has and pycnn lacks; None for all others.
    """

    def find(name: str) -> Any:
        for module in modules if name in names else ():
            found = getattr(importlib.import_module(module), name, None)
            if found is not None:
                setattr(sys.modules[package], name, found)
                return found
        instead = absent(name) if absent is not None and not name.startswith("_") else None
        if instead is not None:
            raise AttributeError(f"keras.{package.removeprefix('pycnn.')}.{name} is not supported: {instead}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
