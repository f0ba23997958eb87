"""Activations as operations of the core's graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core.function import Function, tracing
from pycnn.core.layer import Layer
from pycnn.core.symbolic import KerasTensor

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint

    ActivationFunction: TypeAlias = Callable[..., Any]


def functions() -> dict[str, ActivationFunction]:
    """The activation functions by name. Their modules are not loaded by `import pycnn`."""
    from pycnn.ops._activation import ACTIVATIONS

    return ACTIVATIONS


def is_known(activation: Any) -> bool:
    """Whether it is a function of `keras.activations`."""
    return functions().get(getattr(activation, "__name__", "")) is activation


# Functions whose values depend on others along an axis.
_ALONG_AXIS = ("glu", "log_softmax", "softmax", "sparsemax")


def is_elementwise(activation: ActivationFunction | Layer | None) -> bool:
    """Whether an activation is known to treat each value by itself, so that axes may be moved after it."""
    if activation is None:
        return True
    if isinstance(activation, Layer):
        return False
    return is_known(activation) and activation.__name__ not in _ALONG_AXIS


def is_along_last_axis(activation: ActivationFunction | Layer | None) -> bool:
    """Whether an activation works on the last axis alone, or on each value."""
    if isinstance(activation, Layer):
        return activation.takes_further_axes
    return activation is None or is_known(activation)


def lower(activation: ActivationFunction | Layer | None, graph: Blueprint, node: int, name: str) -> int:
    """Adds an activation (what `get` returned) to a graph and returns its node; None adds nothing."""
    if activation is None:
        return node
    if not isinstance(activation, Layer) and is_known(activation):
        if activation.__name__ == "linear":
            return node
        from pycnn.core.operations.value import Value

        value: Value = activation(Value(graph, node, name))
        return value.node
    symbol = KerasTensor((None, *graph.shape(node)), name=name)
    with tracing():
        output = activation(symbol)
    if not isinstance(output, KerasTensor) or output.shape != symbol.shape:
        raise ValueError(
            f"The activation {activation!r} of layer {name!r} returned {output!r:.200} for {symbol!r}; "
            f"expected a symbol of the same shape"
        )
    return Function([symbol], [output]).lower(graph, [node])[0]
