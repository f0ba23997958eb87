"""Layers that give values another shape or order, or rescale them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int, as_number, is_sequence
from pycnn.core.data_format import checked_data_format
from pycnn.core.layer import Layer
from pycnn.core.operations.nodes import broadcasted, permuted, reshaped
from pycnn.core.operations.value import Value
from pycnn.layers.checks import check_axes

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint


class Flatten(Layer):
    """All axes but the batch's made into one, the channels last. Input (n, ...), output (n, d).

    Args:
        data_format: 'channels_last', 'channels_first' (their values come out in one order), or None for
            `keras.config.image_data_format()`.
        kwargs: name, trainable, input_shape.

    Raises:
        ValueError: if the data format is neither.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Flatten().compute_output_shape((None, 5, 5, 64))
        (None, 1600)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format("Flatten", data_format)

    def lower(self, graph: Blueprint, node: int) -> int:
        x = Value(graph, node, self.name)
        if self.data_format == "channels_first":
            x = permuted(x, [*range(1, len(x.sample)), 0])
        return reshaped(x, (math.prod(x.sample),)).node

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


class Permute(Layer):
    """Axes of each sample in another order.

    Args:
        dims: the old axis for each new one, counted from 1: without the batch axis.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if `dims` is no permutation, or the input has another number of axes.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Permute((2, 1)).compute_output_shape((None, 10, 64))
        (None, 64, 10)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not is_sequence(dims):
            raise TypeError(f"Permute: dims is {dims!r}; expected a tuple of integers")
        self.dims = tuple(as_int("Permute: dims", axis, 1) for axis in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Permute: dims is {self.dims}; expected each of 1 to {len(self.dims)} once")

    def lower(self, graph: Blueprint, node: int) -> int:
        x = Value(graph, node, self.name)
        check_axes(self.name, x.sample, len(self.dims))
        return permuted(x, [axis - 1 for axis in self.dims]).node

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"dims": list(self.dims)}


class RepeatVector(Layer):
    """Each vector several times. Input (n, d), output (n, times, d).

    Args:
        n: how often.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if `n` is no positive integer, or the input has another number of axes.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.RepeatVector(2)([[5, 6]])
        array([[[5., 6.],
                [5., 6.]]], dtype=float32)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = as_int("RepeatVector: n", n, 1)

    def lower(self, graph: Blueprint, node: int) -> int:
        x = Value(graph, node, self.name)
        check_axes(self.name, x.sample, 1)
        return broadcasted(x, (self.n, *x.sample)).node

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"n": self.n}


class Rescaling(Layer):
    """x * scale + offset.

    Args:
        scale: a number, or one for each index of the last axis.
        offset: the same.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument is not made of finite numbers, or not of as many as there are.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Rescaling(1 / 255)([[0, 255]])
        array([[0., 1.]], dtype=float32)
        >>> keras.layers.Rescaling([1, 2], offset=-1)([[3, 4]])
        array([[2., 7.]], dtype=float32)
    """

    takes_one_sample = True

    def __init__(
        self, scale: float | Sequence[float], offset: float | Sequence[float] = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.scale = _numbers("Rescaling: scale", scale)
        self.offset = _numbers("Rescaling: offset", offset)

    def lower(self, graph: Blueprint, node: int) -> int:
        if isinstance(self.scale, list) or isinstance(self.offset, list):
            return self._lower_each(graph, node)
        code = [("constant", self.scale), ("multiply", 0, 1), ("constant", self.offset), ("add", 2, 3)]
        return graph.map([node], code, name=self.name)

    def _lower_each(self, graph: Blueprint, node: int) -> int:
        from pycnn.core.operations.arithmetic import add, multiply

        length = graph.shape(node)[-1]
        for name, values in (("scale", self.scale), ("offset", self.offset)):
            if isinstance(values, list) and len(values) not in (1, length):
                raise ValueError(
                    f"Layer {self.name!r}: `{name}` has {len(values)} numbers; expected one or {length}, as "
                    f"its input has shape {(None, *graph.shape(node))}"
                )
        x: Value = add(multiply(Value(graph, node, self.name), self.scale), self.offset)
        return x.node

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"scale": self.scale, "offset": self.offset}


def _numbers(name: str, value: Any) -> float | list[float]:
    """A finite number, or a list of them."""
    if is_sequence(value) and np.ndim(value) == 1 and len(value):
        return [as_number(name, number) for number in value]
    return as_number(name, value)
