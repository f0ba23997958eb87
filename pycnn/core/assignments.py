"""Assignments to variables in a `call`, which is traced: they take effect whenever the call runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pycnn.core.function import Trace
from pycnn.core.rows import Rows
from pycnn.core.symbolic import KerasTensor, Node, as_symbol

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.variable import Variable


class Assignment:
    """The operation that gives a variable a new value.

    Args:
        variable: that gets it.
    """

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        self.name = variable.name

    def connect(self, graph: Blueprint, call: Node, nodes: Sequence[int]) -> Sequence[int]:
        """Lets the variable be read from the value's node from now on."""
        graph.assign(self.variable, nodes[0])
        return nodes


def assign(trace: Trace, variable: Variable, value: Any) -> None:
    """Notes an assignment in a `call`.

    Args:
        trace: of the call.
        variable: that gets the value.
        value: a symbol, a variable or numbers.

    Raises:
        TypeError: if it is none of these.
        ValueError: if it has another shape than the variable.
    """
    symbol = as_symbol(value)
    where = f"Layer {trace.layer.name!r} assigns to its variable {variable.path} of shape {variable.shape}"
    if symbol.is_batched or isinstance(symbol, Rows):
        raise ValueError(
            f"{where} a value of shape {symbol.shape}, which has a batch axis; expected one value for all "
            f"samples, as keras.ops.mean(x, axis=0) makes it"
        )
    if symbol.shape != variable.shape:
        raise ValueError(f"{where} a value of shape {symbol.shape}; expected the variable's shape")
    output = KerasTensor(variable.shape, name=variable.name)
    trace.assignments.append(Node(Assignment(variable), [symbol], [output]))
