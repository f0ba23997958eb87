"""The batch axis of what tapes record as an axis of one array for all samples, and back.

A sample is computed by itself: what mixes samples (the products of all pairs of a batch, say) takes an array
that has all of them. Both ways are operations of the graph, so that gradients go through them, and one
program computes all: row i of the whole array is the sum over the batch of what is x in sample i and 0
elsewhere; sample i of an array is its row of that number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Placeholder, Tensor


def folded(x: Any) -> Any:
    """A recorded Tensor with samples as one of the same shape without; anything else as it is.

    It costs the square of the number of samples, times the values of one.
    """
    if not isinstance(x, Tensor) or not x.is_recorded or x.samples is None:
        return x
    if x.whole is None:
        assert x.symbol is not None
        x.whole = Tensor(symbol=_whole(x.symbol, x.samples), batch=x.samples)
    return x.whole


def unfolded(x: Any) -> Any:
    """A recorded Tensor without samples as one whose first axis is that of the samples.

    Raises:
        ValueError: if it comes from a batch of another size.
    """
    from pycnn.core.operations.selection import take

    if not isinstance(x, Tensor) or not x.is_recorded or x.samples is not None or x.ndim == 0:
        return x
    n = x.shape[0]
    if x.batch not in (None, n):
        raise ValueError(
            f"A layer is given {n} samples that are computed from a batch of {x.batch}, but one recording "
            f"has one number of samples; use functions of keras.ops, or a tape for each"
        )
    return Tensor(symbol=take(x.symbol, _numbers(n), 0), samples=n)


def _whole(x: KerasTensor, samples: int) -> Any:
    from pycnn.core.operations.arithmetic import where
    from pycnn.core.operations.comparisons import equal
    from pycnn.core.operations.reductions import sum as sum_over
    from pycnn.core.operations.shapes import expand_dims, reshape

    rank = len(x.sample_shape)
    row = np.arange(samples, dtype=np.float32).reshape(samples, *(1,) * rank)
    number = reshape(_numbers(samples), (None, *(1,) * (rank + 1)))
    return sum_over(where(equal(number, row), expand_dims(x, 1), 0.0), axis=0)


def _numbers(samples: int) -> Placeholder:
    """(None,) the number of each sample in its batch."""
    return Placeholder(np.arange(samples, dtype=np.float32), True)
