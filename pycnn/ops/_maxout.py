"""Maxout: an activation that takes the best of several linear pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_int
from pycnn.core.arrays import as_float32

from . import arguments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


def _checked(x: ArrayLike, num_units: int, axis: int) -> tuple[F32, int, int]:
    """x with the axis moved to the end, the pieces of a unit, and the axis."""
    array = as_float32("x", x)
    units = as_int("num_units", num_units, 1)
    if array.ndim == 0:
        raise ValueError("x is a single number; expected an array of at least one dimension")
    axis = arguments.as_axis(axis, array.ndim)
    channels = array.shape[axis]
    if channels == 0 or channels % units:
        raise ValueError(f"num_units is {units}; expected a divisor of the {channels} channels of x")
    return np.ascontiguousarray(np.moveaxis(array, axis, -1)), channels // units, axis


def maxout(x: ArrayLike, num_units: int, *, axis: int = -1) -> F32:
    """The maximum over groups of neighbouring channels.

    y[..., j] = max of x[..., j * k], ..., x[..., j * k + k - 1], k = channels / num_units

    Args:
        x: (..., channels).
        num_units: Groups, and channels of y; a divisor of the channels of x.
        axis: The axis of the channels.

    Returns:
        y (..., num_units), float32.

    Raises:
        ValueError: A number of units that does not divide the channels, an axis that x has not.
        TypeError: An array that is not real numbers, a number of units that is not an integer.

    Source: Goodfellow et al., Maxout networks, arXiv:1302.4389.

    >>> from pycnn import ops
    >>> ops.maxout([[1.0, 5.0, -3.0, -4.0]], 2).tolist()
    [[5.0, -3.0]]
    """
    moved, pieces, axis = _checked(x, num_units, axis)
    return np.ascontiguousarray(np.moveaxis(_core.maxout_forward(moved, pieces), -1, axis))


def maxout_backward(dy: ArrayLike, x: ArrayLike, num_units: int, *, axis: int = -1) -> F32:
    """Gradient of `maxout`: to the maximum of each group, the first one of equals.

    Args:
        dy: Gradient of y, (..., num_units).
        x: (..., channels), as given to `maxout`.
        num_units: As given to `maxout`.
        axis: As given to `maxout`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        ValueError: As `maxout`, and where dy has not the shape of y.
        TypeError: As `maxout`.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.maxout_backward([[7.0]], [[5.0, 5.0]], 1).tolist()
    [[7.0, 0.0]]
    """
    moved, pieces, axis = _checked(x, num_units, axis)
    shape = list(moved.shape[:-1])
    shape.insert(axis, moved.shape[-1] // pieces)
    dy = np.ascontiguousarray(np.moveaxis(arguments.as_gradient(dy, tuple(shape)), axis, -1))
    return np.ascontiguousarray(np.moveaxis(_core.maxout_backward(moved, dy, pieces), -1, axis))
