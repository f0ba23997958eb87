"""Layers that make one array of several: sums, products, and arrays side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int, checked_shape
from pycnn.core.layer import Layer
from pycnn.core.symbolic import KerasTensor, as_symbol
from pycnn.core.variable import Variable
from pycnn.layers.checks import sample_axis
from pycnn.layers.composed import Composed

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.operations.value import Value


class _Merge(Layer):
    """What all share: a list of inputs."""

    takes_list = True

    def build(self, input_shape: Sequence[Any]) -> None:
        """Checks the inputs' shapes.

        Args:
            input_shape: a list of them, with the batch axis first.

        Raises:
            ValueError: if the layer cannot merge such inputs.
        """
        self.compute_output_shape(input_shape)
        self.built = True

    def _build(self, *shapes: tuple[int, ...]) -> None:
        self._check(shapes)
        self.built = True

    def _check(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """ValueError where inputs of these shapes cannot be merged."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Any:
        """The shape of the output.

        Args:
            input_shape: a list of the inputs' shapes, with the batch axis first.

        Returns:
            The shape of the output, with the batch axis first.
        """
        self._require_list(input_shape)
        if not all(isinstance(shape, Sequence) for shape in input_shape):
            raise ValueError(f"Layer {self.name!r} needs a list of shapes, not {input_shape!r:.200}")
        self._check([checked_shape(self.name, shape[1:]) for shape in input_shape])
        return super().compute_output_shape(input_shape)

    def _require_list(self, x: Any) -> None:
        if not isinstance(x, (list, tuple)) or not x:
            raise ValueError(
                f"A {type(self).__name__} layer should be called on a list of inputs, such as [x, y]; layer "
                f"{self.name!r} was given {x!r:.200}"
            )

    def _symbols(self, x: Any) -> list[KerasTensor]:
        self._require_list(x)
        if not all(isinstance(item, (KerasTensor, Variable)) for item in x):
            raise ValueError(f"Layer {self.name!r} was called on symbols and other things: {x!r:.200}")
        return [as_symbol(item) for item in x]

    def _takes_several(self, x: Any) -> bool:
        self._require_list(x)
        return True


class _Elementwise(_Merge):
    """Inputs that are merged value by value: axes of size 1 are repeated, axes that one lacks come first."""

    # An instruction of the core's expressions, which takes the inputs one after the other.
    operation: str

    def _check(self, shapes: Sequence[tuple[int, ...]]) -> None:
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            text = " and ".join(str((None, *shape)) for shape in shapes)
            raise ValueError(
                f"Layer {self.name!r} needs inputs whose shapes broadcast, but they have {text}"
            ) from None

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        if len(nodes) == 1:
            return nodes[0]
        alike = len({graph.shape(node) for node in nodes}) == 1
        if self.operation == "add" and alike:
            return graph.add(nodes, name=self.name)
        operands = list(dict.fromkeys(nodes))
        register = operands.index(nodes[0])
        code: list[tuple[Any, ...]] = []
        for node in nodes[1:]:
            code.append((self.operation, register, operands.index(node)))
            register = len(operands) + len(code) - 1
        return graph.map(operands, code, name=self.name)


class Add(_Elementwise):
    """The sum of arrays.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when not called on a list of inputs, or on shapes that do not broadcast.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Add()([[[1, 2]], [[3, 4]]])
        array([[4., 6.]], dtype=float32)
    """

    operation = "add"


class Subtract(_Elementwise):
    """The first of two arrays minus the second.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when not called on a list of two inputs, or on shapes that do not broadcast.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Subtract()([[[1, 2]], [[3, 5]]])
        array([[-2., -3.]], dtype=float32)
    """

    operation = "subtract"

    def _check(self, shapes: Sequence[tuple[int, ...]]) -> None:
        if len(shapes) != 2:
            raise ValueError(f"Layer {self.name!r} subtracts one input from another, but got {len(shapes)}")
        super()._check(shapes)


class Multiply(_Elementwise):
    """The product, value by value, of arrays.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when not called on a list of inputs, or on shapes that do not broadcast.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Multiply()([[[1, 2]], [[3, 4]]])
        array([[3., 8.]], dtype=float32)
    """

    operation = "multiply"


class Average(_Elementwise):
    """The mean, value by value, of arrays.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when not called on a list of inputs, or on shapes that do not broadcast.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Average()([[[1, 2]], [[3, 4]]])
        array([[2., 3.]], dtype=float32)
    """

    operation = "add"

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        total = super().lower(graph, *nodes)
        if len(nodes) == 1:
            return total
        return graph.map([total], [("constant", 1 / len(nodes)), ("multiply", 0, 1)], name=self.name)


class Maximum(_Elementwise):
    """The largest value at each place of arrays; equal ones share the gradient.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when not called on a list of inputs, or on shapes that do not broadcast.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Maximum()([[[1, 5]], [[3, 4]]])
        array([[3., 5.]], dtype=float32)
    """

    operation = "maximum"


class Minimum(_Elementwise):
    """The smallest value at each place of arrays; equal ones share the gradient.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when not called on a list of inputs, or on shapes that do not broadcast.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Minimum()([[[1, 5]], [[3, 4]]])
        array([[1., 4.]], dtype=float32)
    """

    operation = "minimum"


class Concatenate(_Merge):
    """Arrays joined along an axis: (n, ..., a), (n, ..., b) become (n, ..., a + b) along the last.

    Args:
        axis: which one, the batch axis, 0, counted.
        kwargs: name, trainable.

    Raises:
        TypeError, ValueError: when not called on a list of inputs, on shapes that differ in another axis, or
            if the axis is none of theirs.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Concatenate()([[[1, 2]], [[3]]])
        array([[1., 2., 3.]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = as_int("Concatenate: axis", axis, -(2**31))

    def _check(self, shapes: Sequence[tuple[int, ...]]) -> None:
        first = shapes[0]
        place = sample_axis(self, self.axis, first)
        for shape in shapes:
            if len(shape) != len(first) or any(
                shape[a] != size for a, size in enumerate(first) if a != place
            ):
                raise ValueError(
                    f"Layer {self.name!r} needs inputs that differ in axis {self.axis} only, but they have "
                    f"shapes {(None, *first)} and {(None, *shape)}"
                )

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        axis = sample_axis(self, self.axis, graph.shape(nodes[0]))
        return nodes[0] if len(nodes) == 1 else graph.concat(nodes, axis=axis, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axis": self.axis}


class Dot(Composed, _Merge):
    """The sum of products of two arrays along an axis of each.

    Inputs (n, ..., k, ...), output (n, ..., ...) with the other axes of the first, then those of the second;
    (n, 1) where there are none.

    Args:
        axes: an axis of both, or a pair of axes, the batch axis, 0, counted.
        normalize: whether both are first divided by their length along these axes: the output is then the
            cosine of their angle.
        kwargs: name, trainable.

    Raises:
        TypeError, ValueError: if `axes` is no axis and no pair, when not called on a list of two inputs, or
            if their sizes along these axes differ.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Dot(1)([[[1, 2]], [[3, 4]]])
        array([[11.]], dtype=float32)
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axes, (list, tuple)):
            if len(axes) != 2:
                raise ValueError(f"Dot: axes is {axes!r}; expected an integer or a pair of integers")
            for axis in axes:
                as_int("Dot: axes", axis, -(2**31))
        else:
            as_int("Dot: axes", axes, -(2**31))
        self.axes = axes
        self.normalize = bool(normalize)

    def _places(self, shapes: Sequence[tuple[int, ...]]) -> list[int]:
        """The axes of a sample of both inputs."""
        axes = self.axes if isinstance(self.axes, (list, tuple)) else [self.axes, self.axes]
        return [sample_axis(self, axis, shape) for axis, shape in zip(axes, shapes, strict=True)]

    def _check(self, shapes: Sequence[tuple[int, ...]]) -> None:
        if len(shapes) != 2:
            raise ValueError(f"Layer {self.name!r} multiplies two inputs, but got {len(shapes)}")
        sizes = [shape[place] for shape, place in zip(shapes, self._places(shapes), strict=True)]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"Layer {self.name!r} needs inputs of one size along axes {self.axes}, but they have shapes "
                f"{(None, *shapes[0])} and {(None, *shapes[1])}"
            )

    def compute(self, ops: Any, *inputs: Value) -> Value:
        x, y = inputs
        p, q = (place + 1 for place in self._places([x.sample, y.sample]))
        if self.normalize:
            x, y = ops.normalize(x, p), ops.normalize(y, q)
        rest = [size for value, axis in ((x, p), (y, q)) for size in _without(value.sample, axis - 1)]
        size = x.sample[p - 1]
        left = ops.reshape(ops.moveaxis(x, p, -1), (None, -1, size))
        right = ops.reshape(ops.moveaxis(y, q, 1), (None, size, -1))
        result: Value = ops.reshape(ops.matmul(left, right), (None, *(rest or [1])))
        return result

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axes": self.axes, "normalize": self.normalize}


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


def _function(cls: type[Layer]) -> Callable[..., Any]:
    """The function that makes a layer of this class, by name as its arguments, and calls it."""

    def merge(inputs: Any, **kwargs: Any) -> Any:
        return cls(**kwargs)(inputs)

    merge.__name__ = merge.__qualname__ = cls.__name__.lower()
    merge.__doc__ = f"The same as `{cls.__name__}(**kwargs)(inputs)`."
    return merge


add = _function(Add)
subtract = _function(Subtract)
multiply = _function(Multiply)
average = _function(Average)
maximum = _function(Maximum)
minimum = _function(Minimum)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """The same as `Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Any, axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """The same as `Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes, **kwargs)(inputs)
