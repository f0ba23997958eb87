"""Symbols of rows of all samples: what `reshape(x, (-1, d))` of a symbol with a batch axis gives.

Every sample has as many rows, so their number is a multiple of that of the samples. The symbol stands for an
array with one axis for all rows; what a graph computes is the same array by samples, with an axis more.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from pycnn.core.symbolic import KerasTensor


class Rows(KerasTensor):
    """A symbol one of whose axes is that of the rows of all samples.

    Args:
        whole: the same values by samples: the batch axis, then the axes of this symbol, where that of the
            rows has the number of rows of a sample.
        at: which axis is that of the rows; None in the shape.
        name: None for an automatic one.
    """

    def __init__(self, whole: KerasTensor, at: int = 0, name: str | None = None) -> None:
        sizes = whole.shape[1:]
        super().__init__((*sizes[:at], None, *sizes[at + 1 :]), whole.dtype, name)
        self.whole = whole
        self.at = at

    @property
    def count(self) -> int:
        """The number of rows of a sample."""
        return self.whole.sample_shape[self.at]

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, {self.count} rows of each sample, name={self.name}>"


class RowCount:
    """The number of samples, or of all rows of samples, which is known when samples are.

    It is what `keras.ops.shape` says of a symbol: the first size of a shape, where 1 row of each sample is
    the same as None, and a number in arithmetic of symbols.

    Args:
        x: a symbol with a batch axis, by samples.
        of_sample: the number of rows of a sample.
    """

    __array_priority__ = 100  # so that an array leaves arithmetic to it
    __array_ufunc__ = None

    def __init__(self, x: KerasTensor, of_sample: int = 1) -> None:
        self.x = x
        self.of_sample = of_sample

    @property
    def number(self) -> Any:
        """The number as a symbol."""
        from pycnn.core.operations import creation, reductions, selection

        first = selection.get_item(self.x, (slice(None), *(0,) * len(self.x.sample_shape)))
        return reductions.sum(creation.ones_like(first)) * float(self.of_sample)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, (int, np.integer)) and not isinstance(other, bool) and other > 0:
            return RowCount(self.x, self.of_sample * int(other))
        return self.number * other

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        if isinstance(other, (int, np.integer)) and other > 0 and self.of_sample % other == 0:
            return RowCount(self.x, self.of_sample // int(other))
        return self.number // other

    def __truediv__(self, other: Any) -> Any:
        return self.number / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.number

    def __add__(self, other: Any) -> Any:
        return self.number + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self.number - other

    def __rsub__(self, other: Any) -> Any:
        return other - self.number

    def __neg__(self) -> Any:
        return -self.number

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RowCount):
            return self.of_sample == other.of_sample
        return other is None and self.of_sample == 1

    def __hash__(self) -> int:
        return hash(self.of_sample)

    def _unknown(self, *_: Any) -> NoReturn:
        from pycnn.core.operations.batching import MixesSamplesError

        raise MixesSamplesError(
            f"{self!r} is no integer: the number of samples is not known yet. It is the first size of a "
            f"shape (in `reshape`, `zeros`, `keras.random`, ...), and a number in arithmetic of symbols"
        )

    __index__ = __int__ = __float__ = __lt__ = __le__ = __gt__ = __ge__ = __mod__ = __pow__ = _unknown

    def __repr__(self) -> str:
        return "None" if self.of_sample == 1 else f"<{self.of_sample} rows of each sample>"


def plain_sizes(shape: Any) -> Any:
    """A shape with None for the number of samples."""
    if not isinstance(shape, (tuple, list)):
        return None if isinstance(shape, RowCount) and shape.of_sample == 1 else shape
    return type(shape)(None if isinstance(size, RowCount) and size.of_sample == 1 else size for size in shape)


def by_samples(shape: Any) -> tuple[int | None, ...] | None:
    """A shape of rows with the number of rows of a sample as an axis of its own; None for other shapes."""
    if isinstance(shape, (tuple, list)) and shape and isinstance(shape[0], RowCount):
        return None, shape[0].of_sample, *shape[1:]
    return None


def whole_of(x: Any) -> Any:
    """The values by samples of rows; anything else as it is."""
    return x.whole if isinstance(x, Rows) else x


def like(x: Any, whole: KerasTensor) -> KerasTensor:
    """Rows of a symbol where x are rows, else the symbol."""
    return Rows(whole, x.at) if isinstance(x, Rows) else whole


def axis_of_rows(x: Any) -> int | None:
    """Which axis is that of the rows; None where x are none."""
    return x.at if isinstance(x, Rows) else None


def joined(array: Any, axis: int | None) -> Any:
    """An array by samples with all rows on one axis; None for an array of no rows."""
    if axis is None:
        return array
    moved = np.moveaxis(array, axis + 1, 1)
    return np.ascontiguousarray(np.moveaxis(moved.reshape(-1, *moved.shape[2:]), 0, axis))
