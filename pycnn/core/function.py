"""Symbols computed from symbols: what models are, and what calls of layers of one's own are traced to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pycnn.core.symbolic import KerasTensor, Node, calls_by_depth, trace

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.layer import Layer
    from pycnn.core.variable import Variable

_tracing: ContextVar[bool] = ContextVar("tracing", default=False)
_traced: ContextVar[Trace | None] = ContextVar("traced", default=None)


class Function:
    """The calls between some symbols and others.

    Args:
        inputs: symbols to start from.
        outputs: symbols to compute.
        effects: calls that are made whether an output needs them or not.

    Raises:
        ValueError: if an output needs another input.
    """

    def __init__(
        self, inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor], effects: Sequence[Node] = ()
    ) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.calls = trace(self.inputs, [*self.outputs, *(call.output for call in effects)])

    def lower(self, graph: Blueprint, nodes: Sequence[int]) -> list[int]:
        """Adds all calls to a graph; `nodes` are the inputs', those of the outputs come back."""
        found = dict(zip(self.inputs, nodes, strict=True))

        def node_of(symbol: KerasTensor) -> int:
            if symbol not in found:
                found[symbol] = graph.leaf(symbol)
            return found[symbol]

        for call in self.in_order() if graph.in_order else self.calls:
            if isinstance(call, KerasTensor):
                node_of(call)
                continue
            outputs = graph.call(call, [node_of(symbol) for symbol in call.inputs])
            found.update(zip(call.outputs, outputs, strict=True))
        return [node_of(symbol) for symbol in self.outputs]

    def in_order(self) -> list[Node | KerasTensor]:
        """The calls, and the symbols of variables, in the order in which they were made.

        That counts where variables get new values between two readings.
        """
        symbols = dict.fromkeys([*(x for call in self.calls for x in call.inputs), *self.outputs])
        read = [symbol for symbol in symbols if symbol.variable is not None]
        return sorted([*self.calls, *read], key=lambda made: made.moment)


class ModelFunction(Function):
    """The calls of a model, which Keras runs by their way to the outputs, whenever they were made."""

    def in_order(self) -> list[Node | KerasTensor]:
        return list(calls_by_depth(self.calls))


class Trace:
    """What a `call` does besides making its result, while it is traced.

    Args:
        layer: whose `call` it is.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.calls: list[Node] = []  # of layers
        self.assignments: list[Node] = []

    def assigns(self, variable: Variable) -> bool:
        """Whether the call itself has assigned to a variable."""
        return any(call.operation.variable is variable for call in self.assignments)  # type: ignore[attr-defined]

    def effects(self, function: Function) -> list[Node]:
        """The assignments, and calls that a function of the result lacks of layers that may have effects."""
        known = set(function.calls)
        lost = [call for call in self.calls if call not in known and _may_have_effects(call.operation)]
        return [*self.assignments, *(call for call in lost if _starts_from(function.inputs, call))]


def _may_have_effects(layer: Any) -> bool:
    return any(leaf.may_add_losses for leaf in layer.leaves())


def _starts_from(inputs: Sequence[KerasTensor], call: Node) -> bool:
    """Whether a call needs no other inputs, as one on an Input that is made on the way does."""
    try:
        trace(inputs, [call.output])
    except ValueError:
        return False
    return True


def is_tracing() -> bool:
    """Whether a `call` is being traced: operations on variables alone then make symbols, too."""
    return _tracing.get()


def current_trace() -> Trace | None:
    """The innermost `call` that is being traced; None in a function that belongs to none."""
    return _traced.get()


@contextmanager
def tracing(call: Trace | None = None) -> Iterator[None]:
    """While a `call`, or another function, is traced."""
    token, of_call = _tracing.set(True), _traced.set(call)
    try:
        yield
    finally:
        _traced.reset(of_call)
        _tracing.reset(token)


@contextmanager
def apart() -> Iterator[None]:
    """Inside, calls and assignments are none of the `call` that is being traced."""
    of_call = _traced.set(None)
    try:
        yield
    finally:
        _traced.reset(of_call)
