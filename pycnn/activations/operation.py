"""Activations as operations of the core, on arrays and in graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn import _core
from pycnn.core.arrays import as_float32
from pycnn.core.function import Function, tracing
from pycnn.core.layer import Layer
from pycnn.core.results import as_result
from pycnn.core.symbolic import KerasTensor

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint

    ActivationFunction: TypeAlias = Callable[..., Any]


class Operation:
    """Stands for an array, to ask a function which operation of the core it is: relu(Operation()) tells."""

    __slots__ = ("kind", "options")

    def __init__(self, kind: str = "linear", options: dict[str, float] | None = None) -> None:
        self.kind = kind
        self.options = options or {}

    def lower(self, graph: Blueprint, node: int, name: str) -> int:
        """Adds the operation to a graph."""
        if self.kind == "linear":
            return node
        if self.kind == "softmax":
            return graph.softmax(node, name=name)
        if self.kind == "log_softmax":
            return graph.log_softmax(node, name=name)
        return graph.activation(node, self.kind, name=name, **self.options)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Operation) and (self.kind, self.options) == (other.kind, other.options)

    __hash__ = None  # type: ignore[assignment]


def apply(x: Any, kind: str, **options: float) -> Any:
    """The function `kind` of an array; or, of an `Operation`, what says which function it is."""
    if isinstance(x, Operation):
        if x.kind != "linear":
            raise TypeError("an activation is one function, not several in a row")
        return Operation(kind, options)
    if isinstance(x, KerasTensor):
        return _on_symbol(x, kind, options)
    array = as_float32("x", x)
    y = _core.activation_forward(kind, array.reshape(array.shape or (1,)), **options).reshape(array.shape)
    return as_result(y)


def _on_symbol(x: KerasTensor, kind: str, options: dict[str, float]) -> Any:
    """The function of `keras.ops` that a kind is, as an operation of a model."""
    from pycnn import ops  # not loaded by `import pycnn`

    if kind == "gelu_tanh":
        return ops.gelu(x, approximate=True)
    if kind in ("relu", "leaky_relu"):
        options = {_SLOPE.get(name, name): value for name, value in options.items()}
    return getattr(ops, kind)(x, **options)


_SLOPE = {"alpha": "negative_slope"}  # as the core and as Keras call it


def lower(activation: ActivationFunction | Layer, graph: Blueprint, node: int, name: str) -> int:
    """Adds an activation (what `get` returned) to a graph and returns its node."""
    if (
        not isinstance(activation, Layer)
        and getattr(activation, "__module__", "") == "pycnn.activations.functions"
    ):
        operation: Operation = activation(Operation())
        return operation.lower(graph, node, name)
    symbol = KerasTensor((None, *graph.shape(node)), name=name)
    with tracing():
        output = activation(symbol)
    if not isinstance(output, KerasTensor) or output.shape != symbol.shape:
        raise ValueError(
            f"The activation {activation!r} of layer {name!r} returned {output!r:.200} for {symbol!r}; "
            f"expected a "
            f"symbol of the same shape"
        )
    return Function([symbol], [output]).lower(graph, [node])[0]
