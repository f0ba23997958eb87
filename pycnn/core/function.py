"""Symbols computed from symbols: what models are, and what calls of layers of one's own are traced to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pycnn.core.symbolic import KerasTensor, trace

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint

_tracing: ContextVar[bool] = ContextVar("tracing", default=False)


class Function:
    """The calls between some symbols and others.

    Args:
        inputs: symbols to start from.
        outputs: symbols to compute.

    Raises:
        ValueError: if an output needs another input.
    """

    def __init__(self, inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.calls = trace(self.inputs, self.outputs)

    def lower(self, graph: Blueprint, nodes: Sequence[int]) -> list[int]:
        """Adds all calls to a graph; `nodes` are the inputs', those of the outputs come back."""
        found = dict(zip(self.inputs, nodes, strict=True))

        def node_of(symbol: KerasTensor) -> int:
            if symbol not in found:
                found[symbol] = graph.leaf(symbol)
            return found[symbol]

        for call in self.calls:
            outputs = graph.call(call, [node_of(symbol) for symbol in call.inputs])
            found.update(zip(call.outputs, outputs, strict=True))
        return [node_of(symbol) for symbol in self.outputs]


def is_tracing() -> bool:
    """Whether a `call` is being traced: operations on variables alone then make symbols, too."""
    return _tracing.get()


@contextmanager
def tracing() -> Iterator[None]:
    """While a `call` is traced."""
    token = _tracing.set(True)
    try:
        yield
    finally:
        _tracing.reset(token)
