"""Layers that give images another size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int, as_number
from pycnn.core.resizing import middle, nearest, resized, weights
from pycnn.layers.documentation import described
from pycnn.layers.image_base import ImageLayer, RandomImageLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.blueprint import Blueprint
    from pycnn.core.operations.value import Value

_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
_HEIGHT = "of the output, in pixels."
_SEED = "an integer, or None for one that follows from `keras.utils.set_random_seed`."


class _Sized(ImageLayer):
    """Does the same in training and inference, with the core's operations in a network."""

    height: int
    width: int

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        return self.height, self.width

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        return self.in_inference(images)

    def compute(self, ops: Any, x: Value, size: tuple[int, int]) -> Value:
        """The same as `in_inference` of a value (n, h, w, c) in a graph."""
        raise NotImplementedError(f"{type(self).__name__} has no `compute`")

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        self._checked_shape(graph, nodes)
        return self.lower_inference(graph, nodes[0])

    def lower_inference(self, graph: Blueprint, node: int) -> int:
        from pycnn import ops
        from pycnn.core.operations.nodes import permuted
        from pycnn.core.operations.value import Value

        x, first = Value(graph, node, self.name), self.data_format == "channels_first"
        x = permuted(x, [1, 2, 0]) if first else x
        y = self.compute(ops, x, (x.sample[0], x.sample[1]))
        return permuted(y, [2, 0, 1]).node if first else y.node

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"height": self.height, "width": self.width}


def _part(ops: Any, x: Value, rows: slice, columns: slice) -> Value:
    """Rows and columns of a value (n, h, w, c)."""
    for axis, part in ((1, rows), (2, columns)):
        if part != slice(0, x.sample[axis - 1]):
            x = ops.take(x, np.arange(part.start, part.stop), axis=axis)
    return x


def _resized(ops: Any, x: Value, size: tuple[int, int], method: str, antialias: bool) -> Value:
    """A value (n, h, w, c) with `size` rows and columns."""
    for axis, new, subscripts in ((1, size[0], "nhwc,ha->nawc"), (2, size[1], "nawc,wb->nabc")):
        old = x.sample[axis - 1]
        if old == new:
            continue
        if method == "nearest":
            x = ops.take(x, nearest(old, new), axis=axis)
        else:
            x = ops.einsum(subscripts, x, weights(method, old, new, antialias).T.astype(np.float32))
    return x


def _border(h: int, w: int, size: tuple[int, int]) -> tuple[int, int]:
    """Lines above and below, and beside, that give images the proportions of `size`, as Keras counts them."""
    return (max(h, w * size[0] // size[1]) - h) // 2, (max(w, h * size[1] // size[0]) - w) // 2


@described(
    height=_HEIGHT,
    width=_HEIGHT,
    interpolation="'bilinear', 'nearest', 'bicubic', 'lanczos3', 'lanczos5'; pixels' centers are at halves.",
    crop_to_aspect_ratio="whether what images have beyond the output's proportions is cut off.",
    pad_to_aspect_ratio="whether a border of `fill_value` completes images to these proportions.",
    fill_mode="'constant'.",
    fill_value="of the border.",
    antialias="whether images that become smaller are smoothed before.",
)
class Resizing(_Sized):
    """Images in another size.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.Resizing(1, 4)(np.array([[[0.0], [2.0]]])).ravel()
        array([0. , 0.5, 1.5, 2. ], dtype=float32)
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height = as_int("Resizing: height", height, 1)
        self.width = as_int("Resizing: width", width, 1)
        if interpolation not in _INTERPOLATIONS:
            raise ValueError(
                f"Resizing: interpolation is {interpolation!r}; expected one of {_INTERPOLATIONS}"
            )
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Resizing: of crop_to_aspect_ratio and pad_to_aspect_ratio only one can be True")
        if fill_mode != "constant":
            raise ValueError(f"Resizing: fill_mode is {fill_mode!r}; expected 'constant'")
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = bool(crop_to_aspect_ratio)
        self.pad_to_aspect_ratio = bool(pad_to_aspect_ratio)
        self.fill_mode = fill_mode
        self.fill_value = as_number("Resizing: fill_value", fill_value)
        self.antialias = bool(antialias)

    @property
    def _size(self) -> tuple[int, int]:
        return self.height, self.width

    def in_inference(self, images: NDArray[Any]) -> NDArray[Any]:
        h, w = images.shape[1:3]
        if self.crop_to_aspect_ratio:
            rows, columns = middle(h, w, self._size)
            images = images[:, rows, columns]
        elif self.pad_to_aspect_ratio:
            down, right = _border(h, w, self._size)
            border = ((0, 0), (down, down), (right, right), (0, 0))
            images = np.pad(images, border, constant_values=np.float32(self.fill_value))
        found: NDArray[Any] = resized(images, self._size, self.interpolation, self.antialias)
        return found

    def compute(self, ops: Any, x: Value, size: tuple[int, int]) -> Value:
        if self.crop_to_aspect_ratio:
            x = _part(ops, x, *middle(*size, self._size))
        elif self.pad_to_aspect_ratio:
            down, right = _border(*size, self._size)
            border = ((0, 0), (down, down), (right, right), (0, 0))
            x = ops.pad(x, border, constant_values=self.fill_value)
        return _resized(ops, x, self._size, self.interpolation, self.antialias)

    def get_config(self) -> dict[str, Any]:
        names = ("interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode", "fill_value")
        own = {name: getattr(self, name) for name in (*names, "antialias")}
        return super().get_config() | own


@described(height=_HEIGHT, width=_HEIGHT)
class CenterCrop(_Sized):
    """The middle of images; those that are too small are resized, as by crop_to_aspect_ratio of Resizing.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.CenterCrop(1, 2)(np.arange(4.0).reshape(1, 1, 4, 1)).ravel()
        array([1., 2.], dtype=float32)
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.height = as_int("CenterCrop: height", height, 1)
        self.width = as_int("CenterCrop: width", width, 1)

    def _middle(self, h: int, w: int) -> tuple[slice, slice]:
        if h < self.height or w < self.width:
            return middle(h, w, (self.height, self.width))
        top, left = (h - self.height) // 2, (w - self.width) // 2
        return slice(top, top + self.height), slice(left, left + self.width)

    def in_inference(self, images: NDArray[Any]) -> NDArray[Any]:
        rows, columns = self._middle(images.shape[1], images.shape[2])
        part = images[:, rows, columns]
        if part.shape[1:3] == (self.height, self.width):
            return part
        found: NDArray[Any] = resized(part, (self.height, self.width))
        return found

    def compute(self, ops: Any, x: Value, size: tuple[int, int]) -> Value:
        return _resized(
            ops, _part(ops, x, *self._middle(*size)), (self.height, self.width), "bilinear", False
        )


@described(height=_HEIGHT, width=_HEIGHT, seed=_SEED)
class RandomCrop(_Sized, RandomImageLayer):
    """In training, a part of images from a random place, the same one for all images of a batch.

    In inference, and where images are not larger than the part in both directions, it is the largest part in
    the middle that has the output's proportions, resized: Keras' description says so of inference, where its
    code leaves images as large as they are. Inside a model no gradient goes through it: it comes first.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.RandomCrop(2, 3)(np.zeros((1, 5, 5, 1)), training=True).shape
        (1, 2, 3, 1)
    """

    def __init__(
        self, height: int, width: int, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super(_Sized, self).__init__(seed, data_format, **kwargs)
        self.height = as_int("RandomCrop: height", height, 1)
        self.width = as_int("RandomCrop: width", width, 1)

    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        h, w = images.shape[1:3]
        if h <= self.height or w <= self.width:
            return self.in_inference(images)
        down, right = self.uniform(images[:1], (0, h - self.height + 1), (0, w - self.width + 1))
        top, left = int(down[0]), int(right[0])
        return images[:, top : top + self.height, left : left + self.width]

    def in_inference(self, images: NDArray[Any]) -> NDArray[Any]:
        size = (self.height, self.width)
        rows, columns = middle(images.shape[1], images.shape[2], size)
        found: NDArray[Any] = resized(images[:, rows, columns], size)
        return found

    def compute(self, ops: Any, x: Value, size: tuple[int, int]) -> Value:
        part = _part(ops, x, *middle(*size, (self.height, self.width)))
        return _resized(ops, part, (self.height, self.width), "bilinear", False)

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        return ImageLayer.lower(self, graph, *nodes)
