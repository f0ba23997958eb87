"""Layers that move values or add pixels, and rescale them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core.arguments import as_int, as_number, as_pair
from pycnn.core.layer import Layer
from pycnn.layers.checks import checked_data_format
from pycnn.layers.geometry import image_size

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint

    Pair: TypeAlias = int | Sequence[int]


class Flatten(Layer):
    """All axes but the batch's made into one, in the order of memory. Input (n, ...), output (n, d).

    Args:
        data_format: None or 'channels_last'.
        kwargs: name, trainable, input_shape.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Flatten().compute_output_shape((None, 5, 5, 64))
        (None, 1600)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self, data_format)

    def lower(self, graph: Blueprint, node: int) -> int:
        return graph.reshape(node, (math.prod(graph.shape(node)),), name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"data_format": self.data_format}


class Reshape(Layer):
    """The same values in another shape.

    Args:
        target_shape: shape of a sample, without the batch axis; one length may be -1 and follows from the
            others.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if the shape is not made of positive integers and at most one -1.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Reshape((-1, 3)).compute_output_shape((None, 12))
        (None, 4, 3)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        lengths = (target_shape,) if isinstance(target_shape, int) else target_shape
        if isinstance(lengths, str) or not isinstance(lengths, Sequence):
            raise TypeError(f"Reshape: target_shape is {target_shape!r}; expected a tuple of integers")
        self.target_shape = tuple(as_int("Reshape: target_shape", length, -1) for length in lengths)
        if 0 in self.target_shape or self.target_shape.count(-1) > 1 or not self.target_shape:
            raise ValueError(
                f"Reshape: target_shape is {self.target_shape}; expected positive integers and at most one -1"
            )

    def lower(self, graph: Blueprint, node: int) -> int:
        shape = graph.shape(node)
        known = abs(math.prod(self.target_shape))
        free, rest = divmod(math.prod(shape), known)
        target = tuple(free if length == -1 else length for length in self.target_shape)
        if rest or not free or math.prod(target) != math.prod(shape):
            raise ValueError(
                f"Layer {self.name!r} cannot make {self.target_shape} of an input of shape {(None, *shape)}: "
                f"it has {math.prod(shape)} values in a sample"
            )
        return graph.reshape(node, target, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"target_shape": list(self.target_shape)}


class ZeroPadding2D(Layer):
    """Zeros around images. Input (n, h, w, c), output (n, top + h + bottom, left + w + right, c).

    Args:
        padding: pixels: one integer for all sides, (height, width), or ((top, bottom), (left, right)).
        data_format: None or 'channels_last'.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if the padding has another form or is negative.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.ZeroPadding2D(((1, 0), (2, 3))).compute_output_shape((None, 4, 4, 1))
        (None, 5, 9, 1)
    """

    def __init__(
        self, padding: Pair | Sequence[Sequence[int]] = (1, 1), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        sides = (padding, padding) if isinstance(padding, int) else padding
        if isinstance(sides, str) or not isinstance(sides, Sequence) or len(sides) != 2:
            raise ValueError(
                f"ZeroPadding2D: padding is {padding!r}; expected an integer, (height, width) or "
                "((top, bottom), (left, right))"
            )
        self.padding = (
            as_pair("ZeroPadding2D: padding[0]", sides[0], 0),
            as_pair("ZeroPadding2D: padding[1]", sides[1], 0),
        )
        self.data_format = checked_data_format(self, data_format)

    def lower(self, graph: Blueprint, node: int) -> int:
        image_size(self.name, graph.shape(node))
        return graph.pad2d(node, padding=(*self.padding[0], *self.padding[1]), name=self.name)

    def get_config(self) -> dict[str, Any]:
        padding = [list(side) for side in self.padding]
        return super().get_config() | {"padding": padding, "data_format": self.data_format}


class Rescaling(Layer):
    """x * scale + offset.

    Args:
        scale: a number.
        offset: a number.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument is not a finite number.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Rescaling(1 / 255)([[0, 255]])
        array([[0., 1.]], dtype=float32)
    """

    def __init__(self, scale: float, offset: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = as_number("Rescaling: scale", scale)
        self.offset = as_number("Rescaling: offset", offset)

    def lower(self, graph: Blueprint, node: int) -> int:
        code = [("constant", self.scale), ("multiply", 0, 1), ("constant", self.offset), ("add", 2, 3)]
        return graph.map([node], code, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"scale": self.scale, "offset": self.offset}
