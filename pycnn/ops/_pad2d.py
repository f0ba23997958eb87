"""Padding of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn import _core
from pycnn.core.arguments import as_number
from pycnn.core.padding import explicit_padding

from . import arguments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32
    from pycnn.core.padding import Padding


def pad2d(x: ArrayLike, padding: Padding, *, mode: str = "constant", value: float = 0.0) -> F32:
    """Pixels around each image.

    Args:
        x: Images (n, h, w, c).
        padding: Pixels on each side: an int, (h, w) or ((top, bottom), (left, right)).
        mode: 'constant', 'reflect' (mirrored, the border not repeated) or 'edge' (the border repeated).
        value: The new pixels' value, where mode is 'constant'.

    Returns:
        y (n, top + h + bottom, left + w + right, c), float32.

    Raises:
        ValueError: A wrong rank, negative padding, an unknown mode, a reflection larger than the image.
        TypeError: An array that is not real numbers, padding that is not integers.

    Source: numpy.pad, whose modes have the same names.

    >>> from pycnn import ops
    >>> ops.pad2d([[[[1], [2], [3]]]], (0, 2), mode="reflect").ravel().tolist()
    [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]
    """
    x = arguments.as_images("x", x)
    mode = arguments.as_mode("mode", mode)
    value = as_number("value", value)
    sides = explicit_padding(padding)
    if mode == "reflect":
        arguments.check_reflection(sides, (x.shape[1], x.shape[2]))
    return _core.pad2d_forward(x, sides, mode, value)


def pad2d_backward(dy: ArrayLike, padding: Padding, *, mode: str = "constant") -> F32:
    """Gradient of `pad2d`: each pixel gets the sum over the places it was copied to.

    Args:
        dy: Gradient of y, (n, top + h + bottom, left + w + right, c).
        padding: As given to `pad2d`.
        mode: 'constant', 'reflect' or 'edge'.

    Returns:
        dx (n, h, w, c), float32.

    Raises:
        ValueError: A wrong rank, padding that leaves no pixel of dy, an unknown mode, a reflection larger
            than the image.
        TypeError: An array that is not real numbers, padding that is not integers.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.pad2d_backward([[[[1], [1], [1], [1], [1]]]], (0, 1), mode="edge").ravel().tolist()
    [2.0, 1.0, 2.0]
    """
    dy = arguments.as_images("dy", dy)
    mode = arguments.as_mode("mode", mode)
    sides = explicit_padding(padding)
    h, w = dy.shape[1] - sides[0] - sides[1], dy.shape[2] - sides[2] - sides[3]
    if h < 1 or w < 1:
        raise ValueError(
            f"dy has shape {dy.shape}, no more than the padding (top, bottom, left, right) {sides}"
        )
    if mode == "reflect":
        arguments.check_reflection(sides, (h, w))
    return _core.pad2d_backward(dy, sides, mode)
