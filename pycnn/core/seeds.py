"""Where every random number of the Python side starts: initializers, shuffling and the seed of dropout."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LIMIT = 2**31
_generators: list[np.random.Generator] = []  # one, made at the first use: importing numpy.random takes 20 ms


def checked_seed(seed: object) -> int:
    """A seed as an int in [0, 2**32)."""
    try:
        number = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"seed is {seed!r}; expected an integer") from None
    if not 0 <= number < 2**32:
        raise ValueError(f"seed is {number}; expected an integer from 0 to 2**32 - 1")
    return number


def set_seed(seed: int) -> None:
    """Starts the sequence of seeds anew."""
    _generators[:] = [np.random.default_rng(checked_seed(seed))]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """While it lasts, the sequence is that of a seed; then the one before goes on."""
    before = list(_generators)
    set_seed(seed)
    try:
        yield
    finally:
        _generators[:] = before


def next_seed() -> int:
    """A seed for one object that was given none; the sequence follows from `set_seed`."""
    return int(_generator().integers(_LIMIT))


def permutation(n: int) -> NDArray[np.int64]:
    """The numbers below n in random order, for shuffling."""
    return _generator().permutation(n).astype(np.int64, copy=False)


def _generator() -> np.random.Generator:
    if not _generators:
        _generators.append(np.random.default_rng())
    return _generators[0]
