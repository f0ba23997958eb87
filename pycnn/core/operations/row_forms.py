"""Rows of all samples as operands: their values by samples, their axes, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core import tree
from pycnn.core.operations.batching import MixesSamplesError, axis_of
from pycnn.core.rows import Rows
from pycnn.core.symbolic import KerasTensor


def rows_in(operands: Sequence[Any]) -> list[Rows]:
    """The rows among operands."""
    return [x for x in tree.flatten(operands) if isinstance(x, Rows)]


def apply(name: str, *operands: Any, **attributes: Any) -> Any:
    """A function of `keras.ops` on symbols."""
    from pycnn.core.operations.base import FUNCTIONS

    return FUNCTIONS[name](*operands, **attributes)


def made(whole: KerasTensor, at: int) -> KerasTensor:
    """Rows; an ordinary symbol where they are the samples."""
    if at == 0 and whole.shape[1] == 1:
        return apply("squeeze", whole, axis=1)  # type: ignore[no-any-return]
    return Rows(whole, at)


def refused(name: str, x: Rows, why: str) -> MixesSamplesError:
    """The error for what would mix rows."""
    return MixesSamplesError(
        f"{name}: {why}. Axis {x.at} of shape {x.shape} has the rows of all samples, {x.count} of each, as "
        f"reshape(x, (-1, ...)) makes them: functions of each row by itself, sums and means take them; else "
        f"keep the samples: reshape(x, (-1, {x.count}, ...))"
    )


def whole_axis(name: str, axis: Any, x: Rows) -> int:
    """An axis of x as one of the values by samples."""
    number = axis_of(name, axis, x.ndim)
    if number == x.at:
        raise refused(name, x, f"axis {axis!r} would mix rows of all samples")
    return number + 1


def shape_of(x: Any) -> tuple[Any, ...]:
    """The shape of an operand; none for None."""
    return () if x is None else tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def end_of(name: str, operands: Sequence[Any]) -> int:
    """Which axis, from the end, is that of the rows in all operands that broadcast."""
    rows = rows_in(operands)
    end = rows[0].ndim - rows[0].at
    for x in operands:
        shape = shape_of(x)
        fits = x.ndim - x.at == end if isinstance(x, Rows) else len(shape) < end or shape[-end] == 1
        if not fits:
            shapes = " and ".join(str(shape_of(y)) for y in operands)
            raise refused(name, rows[0], f"shapes {shapes} do not fit together, as rows would meet others")
    return end


def of_rank(x: Any, rank: int) -> Any:
    """Rows by samples with axes of size 1 before theirs."""
    if not isinstance(x, Rows):
        return x
    sizes = x.whole.sample_shape
    return apply("reshape", x.whole, newshape=(-1, *(1,) * (rank - len(sizes)), *sizes))
