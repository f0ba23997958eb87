"""How values change along a direction, as nodes of a graph: for gradients of what is made of gradients.

With g the gradient of y by x, and v that of a loss by g, the loss changes through g as v . dg does, which is
the change of y along v: the gradient of that directional derivative by the weights is the missing part
(Pearlmutter 1994). It is computed forwards, beside the values that it belongs to.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pycnn._core import Graph
from pycnn.core.blueprint import Blueprint
from pycnn.core.tangent_expressions import unknown
from pycnn.core.tangent_rules import RULES

_RECORDED = (
    "conv2d", "dense", "activation", "softmax", "log_softmax", "maxout", "max_pool2d", "average_pool2d",
    "reshape", "batch_norm", "pad2d", "add", "concat", "map", "reduce", "strided", "scatter", "matmul",
    "take", "batch_reduce", "gradient", "host",
)  # fmt: skip


class TangentBlueprint(Blueprint):
    """A graph that knows how its nodes were made.

    Args:
        trains: whether it will run as in training.
    """

    def __init__(self, trains: bool) -> None:
        super().__init__()
        self.trains = trains
        self.made: dict[int, tuple[str, tuple[Any, ...], dict[str, Any]]] = {}

    def dropout(self, x: int, *, rate: float, always: bool = False, name: str = "dropout") -> int:
        """A product with factors that are a value of their own, so that changes are dropped alike."""
        ones = self.map([x], [("constant", 1.0)], name=name)
        factors = super().dropout(ones, rate=rate, always=always, name=name)
        return self.map([x, factors], [("multiply", 0, 1)], name=name)

    def gradients_in(self, of: int) -> list[int]:
        """The nodes of gradients, on which a node depends other than through a gradient."""
        found, pending, seen = [], [of], {of}
        while pending:
            node = pending.pop()
            kind, _, inputs, *_ = self.node(node)
            if kind == "gradient":
                found.append(node)
            elif kind != "stop_gradient":
                fresh = [x for x in inputs if x not in seen]
                seen.update(fresh)
                pending += fresh
        return sorted(found)

    def with_second_order(self, of: int) -> int:
        """A node of one number with the same value, whose gradient also goes through gradients.

        Raises:
            NotImplementedError: if one of these is of something whose change is not known.
        """
        result = of
        for node in self.gradients_in(of):
            _, (target, source), _ = self.made[node]
            change = self._along(target, source, self.gradient(of, node))
            if change is not None:
                code = [("stop_gradient", 1), ("subtract", 1, 2), ("add", 0, 3)]
                result = self.map([result, total(self, change)], code)
        return result

    def _along(self, of: int, by: int, direction: int) -> int | None:
        """The node of the change of `of` where `by` changes along a direction; None where there is none."""
        changes = {by: direction}
        for node in sorted(_before(self, of)):
            if node <= by or node not in self.made or not any(x in changes for x in self.node(node)[2]):
                continue
            name, args, kwargs = self.made[node]
            rule = RULES.get(name)
            if rule is None:
                raise unknown(name)
            change = rule(self, changes, node, *args, **kwargs)
            if change is not None:
                changes[node] = change
        return changes.get(of)


def _recorded(name: str) -> Callable[..., int]:
    method = getattr(Graph, name)

    def call(self: TangentBlueprint, *args: Any, **kwargs: Any) -> int:
        node: int = method(self, *args, **kwargs)
        self.made[node] = (name, args, kwargs)
        return node

    return call


for _name in _RECORDED:
    setattr(TangentBlueprint, _name, _recorded(_name))


def _before(graph: Graph, of: int) -> set[int]:
    """A node and all that it depends on."""
    pending, seen = [of], {of}
    while pending:
        fresh = [x for x in graph.node(pending.pop())[2] if x not in seen]
        seen.update(fresh)
        pending += fresh
    return seen


def total(graph: Graph, x: int) -> int:
    """The sum of all values."""
    whole = graph.reduce(x, "sum", outer=1, n=math.prod(graph.shape(x)), inner=1, shape=[])
    return graph.batch_reduce(whole, mean=False) if graph.is_batched(whole) else whole
