"""Layers that make one array of several: sums, products, and channels side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_int, checked_shape
from pycnn.core.layer import Layer
from pycnn.core.symbolic import KerasTensor, as_symbol
from pycnn.core.variable import Variable

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint


class _Merge(Layer):
    """What all share: several inputs, of one shape where a subclass does not say otherwise."""

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
        for shape in shapes:
            if shape != shapes[0]:
                raise ValueError(
                    f"Layer {self.name!r} needs inputs of one shape, but they have {(None, *shapes[0])} and "
                    f"{(None, *shape)}; sizes of 1 are not repeated"
                )

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Any:
        """The shape of the output.

        Args:
            input_shape: a list of the inputs' shapes, with the batch axis first.

        Returns:
            The shape of the output, with the batch axis first.
        """
        self._require_several(input_shape)
        if not all(isinstance(shape, Sequence) for shape in input_shape):
            raise ValueError(f"Layer {self.name!r} needs a list of shapes, not {input_shape!r:.200}")
        self._check([checked_shape(self.name, shape[1:]) for shape in input_shape])
        return super().compute_output_shape(input_shape)

    def _require_several(self, x: Any) -> None:
        if not isinstance(x, (list, tuple)) or len(x) < 2:
            raise ValueError(
                f"A {type(self).__name__} layer should be called on a list of at least two inputs, such as "
                f"[x, y]; layer {self.name!r} was given {x!r:.200}"
            )

    def _symbols(self, x: Any) -> list[KerasTensor]:
        self._require_several(x)
        if not all(isinstance(item, (KerasTensor, Variable)) for item in x):
            raise ValueError(f"Layer {self.name!r} was called on symbols and other things: {x!r:.200}")
        return [as_symbol(item) for item in x]

    def _takes_several(self, x: Any) -> bool:
        self._require_several(x)
        return True

    def _mapped(self, graph: Blueprint, nodes: Sequence[int], operation: str) -> int:
        """The operation, element by element, on all inputs one after the other."""
        operands = list(dict.fromkeys(nodes))
        register = operands.index(nodes[0])
        code: list[tuple[Any, ...]] = []
        for node in nodes[1:]:
            code.append((operation, register, operands.index(node)))
            register = len(operands) + len(code) - 1
        return graph.map(operands, code, name=self.name)


class Add(_Merge):
    """The sum of arrays of one shape.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when called on fewer than two inputs, or on different shapes.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Add()([[[1, 2]], [[3, 4]]])
        array([[4., 6.]], dtype=float32)
    """

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        return graph.add(nodes, name=self.name)


class Subtract(_Merge):
    """The first of two arrays of one shape minus the second.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when not called on two inputs, or on different shapes.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Subtract()([[[1, 2]], [[3, 5]]])
        array([[-2., -3.]], dtype=float32)
    """

    def _check(self, shapes: Sequence[tuple[int, ...]]) -> None:
        if len(shapes) != 2:
            raise ValueError(f"Layer {self.name!r} subtracts one input from another, but got {len(shapes)}")
        super()._check(shapes)

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        return self._mapped(graph, nodes, "subtract")


class Multiply(_Merge):
    """The product, value by value, of arrays of one shape.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when called on fewer than two inputs, or on different shapes.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Multiply()([[[1, 2]], [[3, 4]]])
        array([[3., 8.]], dtype=float32)
    """

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        return self._mapped(graph, nodes, "multiply")


class Average(_Merge):
    """The mean, value by value, of arrays of one shape.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when called on fewer than two inputs, or on different shapes.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Average()([[[1, 2]], [[3, 4]]])
        array([[2., 3.]], dtype=float32)
    """

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        total = graph.add(nodes, name=self.name)
        return graph.map([total], [("constant", 1 / len(nodes)), ("multiply", 0, 1)], name=self.name)


class Maximum(_Merge):
    """The largest value at each place of arrays of one shape; equal ones share the gradient.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when called on fewer than two inputs, or on different shapes.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Maximum()([[[1, 5]], [[3, 4]]])
        array([[3., 5.]], dtype=float32)
    """

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        return self._mapped(graph, nodes, "maximum")


class Minimum(_Merge):
    """The smallest value at each place of arrays of one shape; equal ones share the gradient.

    Args:
        kwargs: name, trainable.

    Raises:
        ValueError: when called on fewer than two inputs, or on different shapes.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Minimum()([[[1, 5]], [[3, 4]]])
        array([[1., 4.]], dtype=float32)
    """

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        return self._mapped(graph, nodes, "minimum")


class Concatenate(_Merge):
    """Arrays side by side along the last axis: (n, ..., a), (n, ..., b) become (n, ..., a + b).

    Args:
        axis: -1, or the number of the last axis, the batch axis counted.
        kwargs: name, trainable.

    Raises:
        TypeError, ValueError: if the axis is another one, when called on fewer than two inputs, or on shapes
            that differ in another axis.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Concatenate()([[[1, 2]], [[3]]])
        array([[1., 2., 3.]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = as_int("Concatenate: axis", axis, -(2**31))

    def _check(self, shapes: Sequence[tuple[int, ...]]) -> None:
        for shape in shapes:
            if self.axis not in (-1, len(shape)):
                raise ValueError(
                    f"Layer {self.name!r} can only join the last axis (-1 or {len(shape)}) of its inputs of "
                    f"shape {(None, *shape)}, not axis {self.axis}"
                )
            if shape[:-1] != shapes[0][:-1]:
                raise ValueError(
                    f"Layer {self.name!r} needs inputs that differ in the last axis only, but they have "
                    f"shapes {(None, *shapes[0])} and {(None, *shape)}"
                )

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        return graph.concat(nodes, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axis": self.axis}


def add(inputs: Any, **kwargs: Any) -> Any:
    """The same as `Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The same as `Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The same as `Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The same as `Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The same as `Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The same as `Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """The same as `Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis, **kwargs)(inputs)
