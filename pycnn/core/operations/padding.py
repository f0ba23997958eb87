"""Padding along any axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import refuse_batch
from pycnn.core.operations.nodes import strides_of

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value

_MODES = ("constant", "reflect", "symmetric", "edge", "wrap")


def _array_pad(x: Any, pad_width: Any, mode: str, constant_values: Any) -> Any:
    widths = _widths("pad", pad_width, x.ndim)
    value = _value("pad", mode, constant_values)
    return np.pad(x, widths, mode, constant_values=value) if mode == "constant" else np.pad(x, widths, mode)  # type: ignore[call-overload]


def _widths(name: str, pad_width: Any, rank: int) -> list[tuple[int, int]]:
    """One integer, a pair for all axes, or a pair for each, as NumPy has it."""
    try:
        given = np.broadcast_to(np.asarray(pad_width), (rank, 2)).tolist()
    except ValueError:
        raise ValueError(
            f"{name}: pad_width is {pad_width!r}; expected a pair for each of {rank} axes"
        ) from None
    return [(as_int(f"{name}: pad_width", a, 0), as_int(f"{name}: pad_width", b, 0)) for a, b in given]


def _value(name: str, mode: str, constant_values: Any) -> float:
    if mode not in _MODES:
        raise ValueError(f"{name}: mode is {mode!r}; expected one of {', '.join(map(repr, _MODES))}")
    if constant_values is not None and mode != "constant":
        raise ValueError(f"{name}: constant_values go with mode 'constant', not {mode!r}")
    return 0.0 if constant_values is None else float(constant_values)


@operation(arrays=_array_pad, dtype="same")
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Further values at both ends of axes.

    Args:
        x: a symbol or an array.
        pad_width: (before, after) for each axis, one such pair for all, or an integer. (0, 0) for a batch
            axis.
        mode: 'constant', 'reflect' (mirrored, the end not repeated), 'symmetric' (mirrored, the end
            repeated), 'edge' (the end repeated) or 'wrap' (from the other end).
        constant_values: a number, where the mode is 'constant'; None for 0.

    Returns:
        A symbol for a symbol, else an array.

    Raises:
        TypeError: if x is neither a symbol nor real numbers.
        ValueError: if a width is negative or one of the batch axis, or for another mode.

    Source: numpy.pad.

    >>> from pycnn import ops
    >>> ops.pad([1, 2, 3], (1, 2), mode="reflect").tolist()
    [2, 1, 2, 3, 2, 1]
    """
    widths = _widths(x.name, pad_width, x.ndim)
    value = _value(x.name, mode, constant_values)
    if x.is_batched:
        if widths[0] != (0, 0):
            raise refuse_batch(x, f"pad_width begins with {widths[0]}, expected (0, 0)")
        widths = widths[1:]
    axes = [axis for axis, width in enumerate(widths) if width != (0, 0)]
    is_image = len(x.sample) == 3 and set(axes) <= {0, 1}
    small = all(max(widths[axis]) < x.sample[axis] for axis in axes)
    if axes and is_image and (mode in ("constant", "edge") or (mode == "reflect" and small)):
        sides = (*widths[0], *widths[1])
        return x.then(x.graph.pad2d(x.node, padding=sides, mode=mode, value=value, name=x.name))
    if mode == "constant":
        return _surrounded(x, widths, value)
    for axis in axes:
        places = np.pad(np.arange(x.sample[axis]), widths[axis], mode)  # type: ignore[call-overload]
        x = x.then(x.graph.take(x.node, x.constant(places).node, axis=axis, name=x.name))
    return x


def _surrounded(x: Value, widths: list[tuple[int, int]], value: float) -> Value:
    shape = [size + sum(width) for size, width in zip(x.sample, widths, strict=True)]
    strides = strides_of(shape)
    offset = sum(before * stride for (before, _), stride in zip(widths, strides, strict=True))
    node = x.graph.scatter(x.node, shape=shape, offset=offset, strides=strides, fill=value, name=x.name)
    return x.then(node)
