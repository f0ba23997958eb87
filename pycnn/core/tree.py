"""Nested lists, tuples and dicts of values: flattened, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def flatten(structure: Any) -> list[Any]:
    """The leaves, in order; those of a dict in the order of its keys.

    Example:
        >>> from pycnn.core import tree
        >>> tree.flatten({"b": [1, 2], "a": 3})
        [1, 2, 3]
    """
    return list(_leaves(structure))


def _leaves(structure: Any) -> Iterator[Any]:
    if isinstance(structure, dict):
        for value in structure.values():
            yield from _leaves(value)
    elif isinstance(structure, (list, tuple)):
        for value in structure:
            yield from _leaves(value)
    else:
        yield structure


def transformed(function: Callable[[Any], Any], structure: Any) -> Any:
    """The same structure with function(leaf) for every leaf."""
    if isinstance(structure, dict):
        return {key: transformed(function, value) for key, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(transformed(function, value) for value in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(transformed(function, value) for value in structure)
    return function(structure)


def packed(structure: Any, leaves: list[Any]) -> Any:
    """The structure with these leaves in the place of its own."""
    values = iter(leaves)
    return transformed(lambda _: next(values), structure)
