"""Pixels added around sequences and images, or taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core.operations.nodes import strides_of, viewed
from pycnn.layers.checks import plain
from pycnn.layers.documentation import described
from pycnn.layers.spatial import ElementLayer, sides_of

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value
    from pycnn.layers.spatial import Sides

    Borders: TypeAlias = int | Sequence[int] | Sequence[Sequence[int]]


class _Borders(ElementLayer):
    """Keeps how many pixels lie on both sides of each axis."""

    def _set_sides(self, argument: str, value: Any) -> Any:
        """The argument as Keras keeps it: a pair, or one for each of two axes."""
        # A pair for the only axis is no size for each of two.
        given = (value,) if self.rank == 1 else value
        self._sides: Sides = sides_of(type(self).__name__, argument, given, self.rank)
        return self._sides[0] if self.rank == 1 else self._sides

    def _image_sides(self) -> tuple[int, int, int, int]:
        (top, bottom), (left, right) = ((0, 0), *self._sides)[-2:]
        return top, bottom, left, right


class _ZeroPadding(_Borders):
    def __init__(self, padding: Borders = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = self._set_sides("padding", padding)

    def _computed(self, x: Value) -> Value:
        return x.then(x.graph.pad2d(x.node, padding=self._image_sides(), name=x.name))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"padding": plain(self.padding), "data_format": self.data_format}


@described(padding="pixels: one integer for both sides, or (left, right).")
class ZeroPadding1D(_ZeroPadding):
    """Zeros around sequences. Input (n, w, c), output (n, left + w + right, c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.ZeroPadding1D((2, 1))([[[5]]])[0, :, 0]
        array([0., 0., 5., 0.], dtype=float32)
    """

    rank = 1


@described(padding="pixels: one integer for all sides, (height, width), or ((top, bottom), (left, right)).")
class ZeroPadding2D(_ZeroPadding):
    """Zeros around images. Input (n, h, w, c), output (n, top + h + bottom, left + w + right, c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.ZeroPadding2D(((1, 0), (2, 3))).compute_output_shape((None, 4, 4, 1))
        (None, 5, 9, 1)
    """

    rank = 2


class _Cropping(_Borders):
    def _computed(self, x: Value) -> Value:
        h, w, c = x.sample
        top, bottom, left, right = self._image_sides()
        shape = (h - top - bottom, w - left - right, c)
        if min(shape) < 1:
            raise ValueError(
                f"Layer {self.name!r}: cropping {self.cropping} leaves nothing of {h}x{w} pixels; "
                "expected less than these"
            )
        strides = strides_of(x.sample)
        return viewed(x, shape, strides, top * strides[0] + left * strides[1])

    cropping: Any


@described(cropping="pixels: one integer for both sides, or (left, right).")
class Cropping1D(_Cropping):
    """Sequences without their ends. Input (n, w, c), output (n, w - left - right, c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Cropping1D(1)([[[5], [6], [7]]])[0, :, 0]
        array([6.], dtype=float32)
    """

    rank = 1

    def __init__(self, cropping: Borders = (1, 1), **kwargs: Any) -> None:
        super().__init__("channels_last", **kwargs)
        self.cropping = self._set_sides("cropping", cropping)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"cropping": plain(self.cropping)}


@described(cropping="pixels: one integer for all sides, (height, width), or ((top, bottom), (left, right)).")
class Cropping2D(_Cropping):
    """Images without their borders. Input (n, h, w, c), output (n, h - top - bottom, w - left - right, c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Cropping2D(((2, 2), (4, 4))).compute_output_shape((None, 28, 28, 3))
        (None, 24, 20, 3)
    """

    rank = 2

    def __init__(
        self, cropping: Borders = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = self._set_sides("cropping", cropping)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"cropping": plain(self.cropping), "data_format": self.data_format}
