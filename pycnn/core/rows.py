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
    """The number of all rows, which is known when samples are: what `keras.ops.shape` says of them.

    Args:
        of_sample: the number of rows of a sample.
    """

    def __init__(self, of_sample: int) -> None:
        self.of_sample = of_sample

    def _unknown(self, *_: Any) -> NoReturn:
        raise TypeError(
            f"{self!r}: the number of samples is not known yet; keras.ops.reshape takes it as the first "
            f"size, and all else takes the rows themselves"
        )

    __index__ = __int__ = __float__ = __add__ = __sub__ = __mul__ = __floordiv__ = __truediv__ = _unknown
    __radd__ = __rsub__ = __rmul__ = __rfloordiv__ = __rtruediv__ = _unknown

    def __repr__(self) -> str:
        return f"<{self.of_sample} rows of each sample>"


def whole_of(x: Any) -> Any:
    """The values by samples of rows; anything else as it is."""
    return x.whole if isinstance(x, Rows) else x


def like(x: Any, whole: KerasTensor) -> KerasTensor:
    """Rows of a symbol where x are rows, else the symbol."""
    return Rows(whole, x.at) if isinstance(x, Rows) else whole


def array_of(x: Any, array: Any) -> Any:
    """The array that x stands for; `array` has the values by samples where x are rows."""
    if not isinstance(x, Rows):
        return array
    moved = np.moveaxis(array, x.at + 1, 1)
    return np.ascontiguousarray(np.moveaxis(moved.reshape(-1, *moved.shape[2:]), 0, x.at))
