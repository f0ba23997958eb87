"""Windows and padding of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core.arguments import as_pair
from pycnn.core.padding import window_padding

if TYPE_CHECKING:
    # 'valid', 'same' or ((top, bottom), (left, right))
    CheckedPadding: TypeAlias = str | tuple[tuple[int, int], tuple[int, int]]


def checked_padding(owner: str, padding: object, explicit: bool) -> CheckedPadding:
    """'valid', 'same' or, where `explicit` is allowed, ((top, bottom), (left, right))."""
    if isinstance(padding, str) and padding.lower() in ("valid", "same"):
        return padding.lower()
    if explicit and _is_pair(padding) and all(_is_pair(side) for side in padding):  # type: ignore[attr-defined]
        sides: Any = padding
        return as_pair(f"{owner}: padding[0]", sides[0], 0), as_pair(f"{owner}: padding[1]", sides[1], 0)
    more = " or ((top, bottom), (left, right))" if explicit else ""
    raise ValueError(f"{owner}: padding is {padding!r}; expected 'valid', 'same'{more}")


def _is_pair(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2


def resolved_padding(
    padding: CheckedPadding,
    shape: Sequence[int],
    window: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int, int, int]:
    """Padding in pixels, (top, bottom, left, right), for images of this shape."""
    return window_padding(padding, (shape[0], shape[1]), window, strides, dilation)


def image_size(name: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width and channels; ValueError where the samples are no images."""
    if len(shape) != 3:
        hint = f"; add the channel axis: Input({(*shape, 1)})" if len(shape) == 2 else ""
        raise ValueError(
            f"Layer {name!r} expects images (batch, height, width, channels), but its input has shape "
            f"{(None, *shape)}{hint}"
        )
    return shape[0], shape[1], shape[2]
