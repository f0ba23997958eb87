"""Data, losses and metrics given as one, a list or a dict by name: brought into the order of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def in_order(what: str, given: Any, names: Sequence[str], kind: str) -> list[Any]:
    """One entry for each name.

    Args:
        what: the argument, for messages.
        given: one value where there is one name; else a list, or a dict by name.
        names: of the model's inputs or outputs.
        kind: 'input' or 'output', for messages.

    Raises:
        ValueError: if the number of entries or a key is wrong.
    """
    if isinstance(given, Mapping):
        unknown = [key for key in given if key not in names]
        missing = [name for name in names if name not in given]
        if unknown or missing:
            raise ValueError(
                f"`{what}` has the keys {list(given)!s:.200}; expected the names of the {kind}s: "
                f"{list(names)}"
            )
        return [given[name] for name in names]
    if len(names) == 1:
        return [given[0] if _holds_one_array(given) else given]
    if isinstance(given, (list, tuple)) and len(given) == len(names):
        return list(given)
    came = f"{len(given)} entries" if isinstance(given, (list, tuple)) else f"a {type(given).__name__}"
    raise ValueError(
        f"`{what}` is {came}; expected a list of {len(names)}, one for each {kind}, or a dict by their names "
        f"{list(names)}"
    )


def _holds_one_array(given: Any) -> bool:
    """Whether it is a list of one array, and not an array written as a list."""
    return (
        isinstance(given, (list, tuple))
        and len(given) == 1
        and hasattr(given[0], "__array__")
        and len(np.shape(given[0])) > 0
    )


def by_output(what: str, given: Any, names: Sequence[str], default: Any = None) -> list[Any]:
    """A setting of each output: one for all, a list, or a dict by name in which some may be missing."""
    if isinstance(given, Mapping) and "class_name" not in given:  # which describes one object
        for key in given:
            if key not in names:
                raise ValueError(
                    f"`{what}` has the key {key!r}; expected names of the outputs: {list(names)}"
                )
        return [given.get(name, default) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(f"`{what}` has {len(given)} entries; expected {len(names)}, one for each output")
        return list(given)
    return [given] * len(names)
