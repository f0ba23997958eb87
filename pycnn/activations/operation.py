"""Activations as operations of the core, on arrays and in graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn import _core
from pycnn.core.arrays import as_float32
from pycnn.core.function import Function, tracing
from pycnn.core.layer import Layer
from pycnn.core.symbolic import KerasTensor, Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycnn.core.blueprint import Blueprint

    ActivationFunction: TypeAlias = Callable[..., Any]


class Operation:
    """Stands for an array, to ask a function which operation of the core it is: relu(Operation()) tells."""

    __slots__ = ("kind", "options")

    def __init__(self, kind: str = "linear", options: dict[str, float] | None = None) -> None:
        self.kind = kind
        self.options = options or {}

    @property
    def name(self) -> str:
        """Of the function."""
        return self.kind

    def connect(self, graph: Blueprint, call: Node, nodes: Sequence[int]) -> Sequence[int]:
        """Adds a call on a symbol to a graph."""
        return [self.lower(graph, nodes[0], self.kind)]

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
        return Node(Operation(kind, options), [x], [KerasTensor(x.shape)]).output
    array = as_float32("x", x)
    return _core.activation_forward(kind, array.reshape(array.shape or (1,)), **options).reshape(array.shape)


def is_composed(activation: Any) -> bool:
    """Whether it is an activation of `keras.activations` that is made of other functions."""
    return getattr(activation, "__module__", "") == "pycnn.ops._activation_composed"


def composed() -> dict[str, ActivationFunction]:
    """Those activations by name. Their module is not loaded by `import pycnn`."""
    from pycnn.ops import _activation_composed

    return _activation_composed.ACTIVATIONS


def operation_of(activation: ActivationFunction | Layer) -> Operation | None:
    """Which operation of the core an activation is (what `get` returned); None for a function of its own."""
    if isinstance(activation, Layer):
        return None
    if getattr(activation, "__module__", "") != "pycnn.activations.functions":
        return None
    operation: Operation = activation(Operation())
    return operation


def is_elementwise(activation: ActivationFunction | Layer) -> bool:
    """Whether an activation is known to treat each value by itself, so that axes may be moved after it."""
    operation = operation_of(activation)
    return operation is not None and operation.kind not in ("softmax", "log_softmax")


def lower(activation: ActivationFunction | Layer, graph: Blueprint, node: int, name: str) -> int:
    """Adds an activation (what `get` returned) to a graph and returns its node."""
    operation = operation_of(activation)
    if operation is not None:
        return operation.lower(graph, node, name)
    if is_composed(activation):
        from pycnn.core.operations.value import Value

        value: Value = activation(Value(graph, node, name))
        return value.node
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
