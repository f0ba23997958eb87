"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn import _core
from pycnn.core.arguments import as_int, as_number
from pycnn.core.arrays import as_float32

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32

_SEEDS = 2**63


def dropout(x: ArrayLike, rate: float, *, seed: int) -> F32:
    """Zeros in random places, and the rest larger by 1 / (1 - rate), so that the mean stays.

    The places follow from the seed and the number of elements alone.

    Args:
        x: Any shape.
        rate: Share of the elements to drop, 0 <= rate < 1.
        seed: An integer from 0; the same one gives the same places.

    Returns:
        y, shaped as x, float32.

    Raises:
        ValueError: A rate outside [0, 1), a negative seed.
        TypeError: An array that is not real numbers, a seed that is not an integer.

    Source: Srivastava et al., Dropout, JMLR 15, 2014, section 10 (the scaled form).

    >>> from pycnn import ops
    >>> sorted(set(ops.dropout([3.0] * 100, 0.5, seed=1).tolist()))
    [0.0, 6.0]
    """
    x = as_float32("x", x)
    share = as_number("rate", rate)
    if not 0.0 <= share < 1.0:
        raise ValueError(f"rate is {share}; expected 0 <= rate < 1")
    number = as_int("seed", seed, 0)
    if number >= _SEEDS:
        raise ValueError(f"seed is {number}; expected less than 2**63")
    return _core.dropout(x, share, number)


def dropout_backward(dy: ArrayLike, rate: float, *, seed: int) -> F32:
    """Gradient of `dropout`: the same places and the same scale on dy.

    Args:
        dy: Gradient of y, any shape.
        rate: As given to `dropout`.
        seed: As given to `dropout`.

    Returns:
        dx, shaped as dy, float32.

    Raises:
        ValueError: As `dropout`.
        TypeError: As `dropout`.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> bool((ops.dropout_backward([1.0] * 9, 0.5, seed=1) == ops.dropout([1.0] * 9, 0.5, seed=1)).all())
    True
    """
    return dropout(as_float32("dy", dy), rate, seed=seed)
