"""What layers that prepare and augment images share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_number
from pycnn.core.data_format import checked_data_format
from pycnn.core.layer import Layer
from pycnn.core.seeds import checked_seed, next_seed
from pycnn.core.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.blueprint import Blueprint

INTERPOLATIONS = {"nearest": 0, "bilinear": 1}
FILL_MODES = ("reflect", "wrap", "constant", "nearest")


class ImageLayer(Layer):
    """Computes images from images: a subclass says how for arrays (n, h, w, c).

    On arrays it takes one image (h, w, c) too, and works as in training unless it is told otherwise.

    Args:
        data_format: 'channels_last', 'channels_first' or None for `keras.config.image_data_format()`.
        kwargs: name, trainable, input_shape.
    """

    takes_one_sample = True
    has_channel_order = True  # whether the configuration has `data_format`

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        if kwargs.pop("bounding_box_format", None) is not None:
            raise NotImplementedError(
                f"{type(self).__name__}: pycnn moves no bounding boxes along with images; leave out "
                f"`bounding_box_format`, and compute the boxes with NumPy"
            )
        super().__init__(**kwargs)
        self.data_format = checked_data_format(type(self).__name__, data_format)

    # --- for subclasses -------------------------------------------------------------------------------------
    def in_training(self, images: NDArray[Any]) -> NDArray[Any]:
        """What it makes of float32 images (n, h, w, c) in training."""
        raise NotImplementedError(f"{type(self).__name__} has no `in_training`")

    def with_labels(
        self, images: NDArray[Any], labels: NDArray[Any] | None
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """The same, with the labels where there are some."""
        return self.in_training(images), labels

    def in_inference(self, images: NDArray[Any]) -> NDArray[Any]:
        """The same in inference."""
        return images

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of what it makes of images of this height and width."""
        return size

    # --- arrays ---------------------------------------------------------------------------------------------
    def _call_on_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args, _, training = self._taken_apart(args, kwargs)
        if isinstance(args[0], dict):
            return self._of_dict(args[0], training is None or training)
        images = self._images(args[0])
        batch = np.asarray(images if images.ndim == 4 else images[None], np.float32)
        found = np.array(self._computed(batch, None, training is None or training)[0])
        return found if images.ndim == 4 else found[0]

    def _of_dict(self, data: dict[str, Any], training: bool) -> dict[str, Any]:
        """The same of a dict of images (n, h, w, c) and labels."""
        if not {"images"} <= data.keys() <= {"images", "labels"}:
            raise NotImplementedError(
                f"Layer {self.name!r} takes images, or a dict of `images` and `labels`, and was given "
                f"{sorted(data)}: pycnn moves no boxes and masks along with images"
            )
        images = self._images(data["images"])
        labels = None if data.get("labels") is None else np.asarray(data["labels"], np.float32)
        if images.ndim != 4:
            raise ValueError(f"Layer {self.name!r}: `images` has shape {images.shape}; expected (n, h, w, c)")
        found, mixed = self._computed(np.asarray(images, np.float32), labels, training)
        return {"images": np.array(found)} | ({} if "labels" not in data else {"labels": mixed})

    def _images(self, x: Any) -> NDArray[Any]:
        """One image or several, as an array."""
        images = np.asarray(x.value if isinstance(x, Tensor) else x)
        if images.ndim not in (3, 4) or images.dtype.kind not in "biuf":
            raise ValueError(
                f"Layer {self.name!r} expects images (h, w, c) or (n, h, w, c), but x has shape "
                f"{images.shape} and dtype {images.dtype}"
            )
        return images

    def _computed(
        self, images: NDArray[Any], labels: NDArray[Any] | None, training: bool
    ) -> tuple[NDArray[np.float32], NDArray[Any] | None]:
        """Images in the layer's data format, computed, and their labels; perhaps views of those given."""
        first = self.data_format == "channels_first"
        images = images.transpose(0, 2, 3, 1) if first else images
        if not images.size:
            height, width = self.output_size((images.shape[1], images.shape[2]))
            found = np.zeros((len(images), height, width, images.shape[3]))
        elif training:
            found, labels = self.with_labels(images, labels)
        else:
            found = self.in_inference(images)
        found = found.transpose(0, 3, 1, 2) if first else found
        return np.ascontiguousarray(found, np.float32), labels

    # --- networks -------------------------------------------------------------------------------------------
    def lower(self, graph: Blueprint, *nodes: int) -> int:
        shape = self._checked_shape(graph, nodes)
        if not graph.phase_or_undecided():
            return self.lower_inference(graph, nodes[0])
        return graph.host(
            [nodes[0]],
            shape=self._output_shape(shape),
            forward=lambda arrays, _: self._computed(arrays[0], None, True)[0],
            name=self.name,
        )

    def lower_inference(self, graph: Blueprint, node: int) -> int:
        """The node of what it computes in inference."""
        return node

    def _checked_shape(self, graph: Blueprint, nodes: Sequence[int]) -> Sequence[int]:
        if len(nodes) != 1:
            raise ValueError(f"Layer {self.name!r} takes one input in a model; it was given {len(nodes)}")
        shape = graph.shape(nodes[0])
        if len(shape) != 3:
            raise ValueError(
                f"Layer {self.name!r} expects images (n, h, w, c), but its input has shape {(None, *shape)}"
            )
        return shape

    def _output_shape(self, shape: Sequence[int]) -> list[int]:
        if self.data_format == "channels_first":
            return [shape[0], *self.output_size((shape[1], shape[2]))]
        return [*self.output_size((shape[0], shape[1])), shape[2]]

    def get_config(self) -> dict[str, Any]:
        order = {"data_format": self.data_format} if self.has_channel_order else {}
        return super().get_config() | order


class RandomImageLayer(ImageLayer):
    """Changes images randomly in training: numbers for each image follow from the seed and the call's number.

    Args:
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        data_format: as in ImageLayer.
        kwargs: the same.
    """

    def __init__(self, seed: int | None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.seed = seed
        self.actual_seed = next_seed() if seed is None else checked_seed(seed)
        self._draws = 0

    def uniform(self, images: NDArray[Any], *limits: tuple[float, float]) -> list[NDArray[np.float64]]:
        """For each pair of limits, uniform numbers between them, one for each image."""
        numbers = np.arange(len(images), dtype=np.int64)
        found = _core.random_uniforms(self.actual_seed, self._draws % 2**32, numbers, len(limits))
        self._draws += 1
        lows, highs = np.array(limits, np.float64).T
        return list((lows + (highs - lows) * found).T)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"seed": self.seed}


def per_image(values: NDArray[Any]) -> NDArray[np.float32]:
    """A number for each image, to compute with beside images (n, h, w, c)."""
    return values.astype(np.float32)[:, None, None, None]


# --- arguments ----------------------------------------------------------------------------------------------
def limits(name: str, factor: Any, low: float, high: float, open_below: bool = False) -> tuple[float, float]:
    """A pair of numbers in order; one number f stands for -f to f.

    Raises:
        TypeError, ValueError: if they are no numbers, or not from `low` to `high`.
    """
    pair = list(factor) if isinstance(factor, (tuple, list)) else [factor]
    expected = f"a number or a pair of numbers {'above' if open_below else 'from'} {low} to {high}"
    if not 1 <= len(pair) <= 2:
        raise ValueError(f"{name} is {factor!r}; expected {expected}")
    numbers = [as_number(name, value) for value in pair]
    if not all(low <= x <= high and not (open_below and x == low) for x in numbers):
        raise ValueError(f"{name} is {factor!r}; expected {expected}")
    if len(numbers) == 2:
        return min(numbers), max(numbers)
    size = abs(numbers[0])
    return -size, size


def limits_within(name: str, factor: Any, low: float, high: float) -> tuple[float, float]:
    """The same where one number f stands for -f to f as far as that is allowed."""
    lower, upper = limits(name, factor, low, high)
    return max(lower, low), upper


def checked_range(name: str, value_range: Any) -> tuple[float, float]:
    """The smallest and the largest value of images."""
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise ValueError(f"{name} is {value_range!r}; expected a pair of numbers")
    low, high = sorted(as_number(name, value) for value in value_range)
    return low, high
