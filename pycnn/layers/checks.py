"""Arguments of layers checked, and made into plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int, as_number

if TYPE_CHECKING:
    from pycnn.core.layer import Layer


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


def is_last_axis(axis: int | list[int]) -> bool:
    """Whether an axis, or a list of one, is the last of inputs of any number of axes."""
    return axis in (-1, [-1])


def sample_axis(layer: Layer, axis: int, shape: tuple[int, ...]) -> int:
    """The axis of a sample of this shape that `axis`, counted with the batch axis, is.

    Raises:
        ValueError: if there is no such axis, or it is the batch axis.
    """
    rank = len(shape) + 1
    if not -rank <= axis < rank or axis % rank == 0:
        raise ValueError(
            f"Layer {layer.name!r}: axis {axis} is none of a sample of its input of shape {(None, *shape)}; "
            f"expected 1 to {rank - 1}, or {1 - rank} to -1"
        )
    return axis % rank - 1


def checked_axes(name: str, axis: Any) -> int | list[int]:
    """An axis, or a list of different ones."""
    if not isinstance(axis, (list, tuple)):
        return as_int(name, axis, -(2**31))
    axes = [as_int(name, item, -(2**31)) for item in axis]
    if not axes or len(set(axes)) < len(axes):
        raise ValueError(f"{name} is {axis!r}; expected an integer, or a list of different ones")
    return axes


def not_negative(name: str, value: object) -> float:
    """A number of at least 0."""
    number = as_number(name, value)
    if number < 0:
        raise ValueError(f"{name} is {number}; expected at least 0")
    return number
