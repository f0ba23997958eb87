"""Checks of arguments: numbers, pairs, names and the shapes of samples."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    Pair: TypeAlias = int | Sequence[int]


def as_int(name: str, value: Any, minimum: int) -> int:
    """An integer (not a bool, not a float) of at least `minimum`."""
    if not isinstance(value, (bool, np.bool_)):
        try:
            number = operator.index(value)
        except TypeError:
            pass
        else:
            if number < minimum:
                raise ValueError(f"{name} is {number}; expected at least {minimum}")
            return number
    raise TypeError(f"{name} is {value!r}; expected an integer")


def as_number(name: str, value: Any) -> float:
    """A finite real number."""
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is {value!r}; expected a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}; expected a finite number")
    return number


def is_sequence(value: object) -> bool:
    """Whether a value has items: a tuple, list or array."""
    return isinstance(value, (tuple, list, np.ndarray))


def as_pair(name: str, value: Pair, minimum: int = 1) -> tuple[int, int]:
    """An int for both axes, or (height, width)."""
    pair: Any = value
    if not is_sequence(pair):
        pair = value, value
    elif len(pair) != 2:
        raise ValueError(f"{name} is {value!r}; expected an integer or a pair (height, width)")
    return as_int(name, pair[0], minimum), as_int(name, pair[1], minimum)


def checked_shape(owner: str, shape: Any) -> tuple[int, ...]:
    """The shape of one sample: positive integers."""
    message = (
        f"{owner}: {shape!r} is not the shape of a sample; expected positive integers such as (28, 28, 1)"
    )
    try:
        dims = tuple(operator.index(length) for length in ((shape,) if isinstance(shape, int) else shape))
    except TypeError:
        hint = (
            "; sizes that vary (None) are not supported"
            if isinstance(shape, Sequence) and None in shape
            else ""
        )
        raise ValueError(message + hint) from None
    if any(length < 1 for length in dims) or math.prod(dims) > 2**31:
        raise ValueError(message)
    return dims


def checked_name(name: object) -> str:
    """The name of a layer."""
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError(f"The `name` of a layer must be a string without '/'; received {name!r:.80}")
    return name
