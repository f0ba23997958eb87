"""Packages whose modules are imported when one of their names is used first."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pycnn.core.aliases import OLD_NAMES
from pycnn.core.refusal import Refused, advice_for


def names_from(
    package: str,
    names: Sequence[str],
    modules: Sequence[str] | Mapping[str, str] = (),
    submodules: Sequence[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package. Modules of older versions of Keras are found, too.

    Args:
        package: its name.
        names: what it offers.
        modules: of the package, or full names: where that is. One after the other is looked into, or they are
            given by name.
        submodules: those of the names that are modules of the package.
    """
    users_name = "tf.data" if package == "pycnn.data" else f"keras{package.removeprefix('pycnn')}"

    def homes(name: str) -> Iterator[str]:
        if name in names:
            found = modules.get(name, ()) if isinstance(modules, Mapping) else modules
            for module in (found,) if isinstance(found, str) else found:
                yield module if "." in module else f"{package}.{module}"

    def find(name: str) -> Any:
        if name in submodules:
            return importlib.import_module(f"{package}.{name}")
        for module in homes(name):
            found = getattr(importlib.import_module(module), name, None)
            if found is not None:
                setattr(sys.modules[package], name, found)
                return found
        advice = None if name.startswith("_") else advice_for(users_name, name)
        if advice is not None:
            return Refused(f"{users_name}.{name}", advice)
        if f"{package}.{name}" in OLD_NAMES:
            return importlib.import_module(OLD_NAMES[f"{package}.{name}"])
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find, lambda: sorted(names)
