"""What layers of images and sequences share: their rank and data format, and windows that step over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pycnn.core.arguments import is_sequence
from pycnn.core.data_format import checked_data_format
from pycnn.core.layer import Layer
from pycnn.core.operations.images import as_image, from_image, sizes
from pycnn.core.operations.value import Value

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint

    Sides = tuple[tuple[int, int], ...]  # before and after, for each axis


class SpatialLayer(Layer):
    """A layer of sequences (n, w, c) or images (n, h, w, c), or with channels first."""

    rank: ClassVar[int]  # 1 for sequences, 2 for images

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(type(self).__name__, data_format)

    def _sizes(self, name: str, value: Any, minimum: int = 1) -> tuple[int, ...]:
        """An argument that is one integer for all axes, or one for each."""
        return sizes(f"{type(self).__name__}: {name}", value, self.rank, minimum)

    def _channels(self, shape: tuple[int, ...]) -> int:
        """Of samples of this shape; ValueError where they are no images or sequences."""
        axes = ("steps",) if self.rank == 1 else ("height", "width")
        first = self.data_format == "channels_first"
        if len(shape) != self.rank + 1:
            expected = ("channels", *axes) if first else (*axes, "channels")
            full = (1, *shape) if first else (*shape, 1)
            hint = f"; add the channel axis: Input({full})" if len(shape) == self.rank else ""
            kind = "sequences" if self.rank == 1 else "images"
            raise ValueError(
                f"Layer {self.name!r} expects {kind} ({', '.join(('batch', *expected))}), but its input has "
                f"shape {(None, *shape)}{hint}"
            )
        return shape[0] if first else shape[-1]

    def _image(self, graph: Blueprint, node: int) -> Value:
        """The input as images (h, w, c)."""
        self._channels(graph.shape(node))
        return as_image(Value(graph, node, self.name), self.data_format)

    def _from_image(self, y: Value) -> int:
        """The node of the output, in the layer's data format."""
        return from_image(y, self.rank, self.data_format).node


class ElementLayer(SpatialLayer):
    """A layer that makes images of images."""

    def lower(self, graph: Blueprint, node: int) -> int:
        return self._from_image(self._computed(self._image(graph, node)))

    def _computed(self, x: Value) -> Value:
        raise NotImplementedError


def checked_padding(owner: str, padding: Any, names: Sequence[str], rank: int = 0) -> str | Sides:
    """One of the names, or where a rank is given, pixels on both sides of each axis."""
    if isinstance(padding, str) and padding.lower() in names:
        return padding.lower()
    if rank and is_sequence(padding):
        given = (padding,) if rank == 1 and len(padding) == 2 else padding
        if len(given) == rank and all(is_sequence(side) and len(side) == 2 for side in given):
            return sides_of(owner, "padding", given, rank)
    explicit = ("", " or (left, right)", " or ((top, bottom), (left, right))")[rank]
    raise ValueError(f"{owner}: padding is {padding!r}; expected {', '.join(map(repr, names))}{explicit}")


def sides_of(owner: str, argument: str, value: Any, rank: int) -> Sides:
    """Pixels on both sides of each axis, from one integer for all, or one or two for each axis."""
    name = f"{owner}: {argument}"
    if not is_sequence(value):
        value = (value,) * rank
    elif len(value) != rank:
        forms = (
            "an integer or (left, right)",
            "an integer, (height, width) or ((top, bottom), (left, right))",
        )
        raise ValueError(f"{name} is {value!r}; expected {forms[rank - 1]}")
    pairs = [sizes(f"{name}[{axis}]", side, 2, 0) for axis, side in enumerate(value)]
    return tuple((before, after) for before, after in pairs)
