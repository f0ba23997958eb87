"""Values at other places: rolled and turned, in rows and columns, from channels to places and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axis_of, within_sample
from pycnn.core.operations.documentation import MOVED, documented
from pycnn.core.operations.joining import concatenate, flip, split
from pycnn.core.operations.shapes import ravel, reshape, squeeze, swapaxes, transpose


@operation(arrays=lambda x, shift, axis: np.roll(x, shift, axis), dtype="same")
def _roll(x: Any, shift: int, axis: int) -> Any:
    (place,) = within_sample(x, (axis_of(x.name, axis, x.ndim),), "give another axis")
    n = x.sample[place]
    start = -as_int(f"{x.name}: shift", shift, -(2**31)) % n
    return concatenate([*reversed(split(x, [start], axis))], axis) if start else x


@documented(MOVED)
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Values moved along axes; those that leave at the end come in at the beginning.

    Args:
        x: a symbol or an array.
        shift: by how many places; an integer, or one for each axis.
        axis: an integer or several; None for all values in one row.

    >>> from pycnn import ops
    >>> ops.roll([1, 2, 3], 1).tolist()
    [3, 1, 2]
    """
    if axis is None:
        shape = np.shape(x) if isinstance(x, (list, tuple)) else x.shape
        return reshape(_roll(ravel(x), shift, 0), shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    shifts = shift if isinstance(shift, (tuple, list)) else (shift,) * len(axes)
    if len(shifts) != len(axes):
        raise ValueError(f"roll: shift is {shift!r}, axis {axis!r}; expected as many")
    for one, way in zip(axes, shifts, strict=True):
        x = _roll(x, way, one)
    return x


@documented(MOVED)
@operation(arrays=lambda array, k, axes: np.rot90(array, k, axes), dtype="same")
def rot90(array: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Any:
    """A plane turned by right angles, from its first axis towards the second one.

    Args:
        array: a symbol or an array.
        k: how often.
        axes: of the plane; neither may be the batch axis.

    >>> from pycnn import ops
    >>> ops.rot90([[1, 2], [3, 4]]).tolist()
    [[2, 4], [1, 3]]
    """
    first, second = (axis_of(array.name, axis, array.ndim) for axis in axes)
    if first == second:
        raise ValueError(f"{array.name}: axes are {tuple(axes)}; expected two axes")
    turns = k % 4
    if turns == 0:
        within_sample(array, (first, second), "give two other axes")
        return array
    if turns == 2:
        return flip(array, (first, second))
    return (
        swapaxes(flip(array, second), first, second)
        if turns == 1
        else flip(swapaxes(array, first, second), second)
    )


@documented(MOVED)
def fliplr(x: Any) -> Any:
    """The values in reverse order along the second axis.

    Args:
        x: a symbol or an array of two axes or more.

    >>> from pycnn import ops
    >>> ops.fliplr([[1, 2], [3, 4]]).tolist()
    [[2, 1], [4, 3]]
    """
    return flip(x, 1)


@documented(MOVED)
def flipud(x: Any) -> Any:
    """The values in reverse order along the first axis, which is no batch axis.

    Args:
        x: a symbol or an array.

    >>> from pycnn import ops
    >>> ops.flipud([[1, 2], [3, 4]]).tolist()
    [[3, 4], [1, 2]]
    """
    return flip(x, 0)


def _rank(x: Any) -> int:
    return int(np.ndim(x)) if isinstance(x, (list, tuple, int, float)) else int(x.ndim)


@documented(MOVED)
def hstack(xs: Any) -> Any:
    """Arrays joined along the second axis, or along the only one.

    Args:
        xs: a list of symbols or arrays.

    >>> from pycnn import ops
    >>> ops.hstack([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    return concatenate(xs, 0 if _rank(xs[0]) < 2 else 1)


@documented(MOVED)
def vstack(xs: Any) -> Any:
    """Arrays joined along the first axis, which is no batch axis; vectors as rows.

    Args:
        xs: a list of symbols or arrays.

    >>> from pycnn import ops
    >>> ops.vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate([reshape(x, (1, -1)) if _rank(x) < 2 else x for x in xs], 0)


@documented(MOVED)
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """The parts of size 1 along an axis, without that axis.

    Args:
        x: a symbol or an array.
        num: how many there are; None for the size of the axis.
        axis: which is no batch axis.

    >>> from pycnn import ops
    >>> [part.tolist() for part in ops.unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    shape = np.shape(x) if isinstance(x, (list, tuple)) else x.shape
    place = axis_of("unstack", axis, len(shape))
    if shape[place] is not None and num is not None and shape[place] != num:
        raise ValueError(f"unstack: num is {num}, but axis {axis} of {tuple(shape)} has another size")
    return [squeeze(part, place) for part in split(x, num if shape[place] is None else shape[place], place)]


def _in_blocks(name: str, block_size: Any, data_format: Any) -> tuple[int, bool]:
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"{name}: data_format is {data_format!r}; expected 'channels_last' or 'channels_first'"
        )
    return as_int(f"{name}: block_size", block_size, 1), data_format == "channels_first"


@documented(MOVED)
@operation()
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Images with a block of pixels for the channels of each pixel (pixel shuffle).

    Args:
        x: (n, h, w, c), with c a multiple of the square of the block's size.
        block_size: height and width of a block.
        data_format: 'channels_last', or 'channels_first' for (n, c, h, w).

    >>> from pycnn import ops
    >>> ops.depth_to_space([[[[1.0, 2.0, 3.0, 4.0]]]], 2)[0, :, :, 0].tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    block, first = _in_blocks("depth_to_space", block_size, data_format)
    x = transpose(x, (0, 2, 3, 1)) if first else x
    _, h, w, c = x.shape
    if c % block**2:
        raise ValueError(f"depth_to_space: there are {c} channels; expected a multiple of {block**2}")
    parts = reshape(x, (-1, h, w, block, block, c // block**2))
    y = reshape(transpose(parts, (0, 1, 3, 2, 4, 5)), (-1, h * block, w * block, c // block**2))
    return transpose(y, (0, 3, 1, 2)) if first else y


@documented(MOVED)
@operation()
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Images with the channels of a block of pixels in one pixel.

    Args:
        x: (n, h, w, c), with h and w multiples of the block's size.
        block_size: height and width of a block.
        data_format: 'channels_last', or 'channels_first' for (n, c, h, w).

    >>> from pycnn import ops
    >>> ops.space_to_depth([[[[1.0], [2.0]], [[3.0], [4.0]]]], 2).tolist()
    [[[[1.0, 2.0, 3.0, 4.0]]]]
    """
    block, first = _in_blocks("space_to_depth", block_size, data_format)
    x = transpose(x, (0, 2, 3, 1)) if first else x
    _, h, w, c = x.shape
    if h % block or w % block:
        raise ValueError(f"space_to_depth: images have {h} x {w} pixels; expected multiples of {block}")
    parts = reshape(x, (-1, h // block, block, w // block, block, c))
    y = reshape(transpose(parts, (0, 1, 3, 2, 4, 5)), (-1, h // block, w // block, c * block**2))
    return transpose(y, (0, 3, 1, 2)) if first else y
