"""How the results of operations change along a direction, as nodes of the graph that they are in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pycnn._core import Graph
from pycnn.core.tangent_expressions import Changes, activation, expression, masked, unknown


def _linear(name: str, **fixed: Any) -> Callable[..., int]:
    def rule(graph: Graph, changes: Changes, node: int, x: int, *args: Any, **kwargs: Any) -> int:
        return getattr(graph, name)(changes[x], *args, **kwargs | fixed)  # type: ignore[no-any-return]

    return rule


def _with_weights(name: str, **fixed: Any) -> Callable[..., int]:
    def rule(
        graph: Graph,
        changes: Changes,
        node: int,
        x: int,
        kernel: int,
        bias: int | None = None,
        **kwargs: Any,
    ) -> int:
        if x not in changes or kernel in changes or bias in changes:
            raise unknown(f"the weights of {name}")
        return getattr(graph, name)(changes[x], kernel, None, **kwargs | fixed)  # type: ignore[no-any-return]

    return rule


def _added(graph: Graph, parts: Sequence[int]) -> int:
    return parts[0] if len(parts) == 1 else graph.add(list(parts))


def _add(graph: Graph, changes: Changes, node: int, x: Sequence[int], **kwargs: Any) -> int:
    return _added(graph, [changes[item] for item in x if item in changes])


def _concat(graph: Graph, changes: Changes, node: int, x: Sequence[int], **kwargs: Any) -> int:
    parts = [changes[item] if item in changes else graph.map([item], [("constant", 0.0)]) for item in x]
    return graph.concat(parts, **kwargs)


def _matmul(graph: Graph, changes: Changes, node: int, a: int, b: int, **kwargs: Any) -> int:
    parts = [graph.matmul(changes[a], b, **kwargs)] if a in changes else []
    return _added(graph, parts + ([graph.matmul(a, changes[b], **kwargs)] if b in changes else []))


def _reduce(graph: Graph, changes: Changes, node: int, x: int, kind: str, **kwargs: Any) -> int | None:
    if kind in ("sum", "mean"):
        return graph.reduce(changes[x], kind, **kwargs)
    if kind in ("max", "min"):
        return graph.reduce(masked(graph, node, x, changes[x]), "sum", **kwargs)
    if kind == "prod":
        raise unknown("a product over an axis")
    return None


def _take(graph: Graph, changes: Changes, node: int, x: int, index: int, **kwargs: Any) -> int | None:
    return graph.take(changes[x], index, **kwargs) if x in changes else None


def _max_pool2d(
    graph: Graph, changes: Changes, node: int, x: int, *, pool_size: tuple[int, int],
    strides: tuple[int, int], padding: tuple[int, int, int, int] = (0, 0, 0, 0), **kwargs: Any,
) -> int:  # fmt: skip
    """The mean of the changes of those values of each window that are its largest one."""
    change = changes[x]
    if any(padding):
        x, change = (
            graph.pad2d(part, padding=padding, value=value) for part, value in ((x, -math.inf), (change, 0.0))
        )
    _, w, c = graph.shape(x)
    view = {"shape": graph.shape(node), "strides": [strides[0] * w * c, strides[1] * c, 1]}
    parts, counts = [], []
    for i, j in ((i, j) for i in range(pool_size[0]) for j in range(pool_size[1])):
        offset = (i * w + j) * c
        at, moved = (graph.strided(part, offset=offset, **view) for part in (x, change))  # type: ignore[arg-type]
        counts.append(graph.map([at, node], [("equal", 0, 1)]))
        parts.append(graph.map([counts[-1], moved], [("multiply", 0, 1)]))
    return graph.map([_added(graph, parts), _added(graph, counts)], [("divide", 0, 1)])


def _softmax(graph: Graph, changes: Changes, node: int, x: int, **kwargs: Any) -> int:
    """y (dx - sum(y dx)) over the last axis."""
    mean = _weighted_sum(graph, node, changes[x])
    return graph.map([node, changes[x], mean], [("subtract", 1, 2), ("multiply", 0, 3)])


def _log_softmax(graph: Graph, changes: Changes, node: int, x: int, **kwargs: Any) -> int:
    """dx - sum(softmax(x) dx) over the last axis."""
    mean = _weighted_sum(graph, graph.softmax(x), changes[x])
    return graph.map([changes[x], mean], [("subtract", 0, 1)])


def _weighted_sum(graph: Graph, weights: int, x: int) -> int:
    *rest, n = graph.shape(x)
    product = graph.map([weights, x], [("multiply", 0, 1)])
    return graph.reduce(product, "sum", outer=math.prod(rest), n=n, inner=1, shape=[*rest, 1])


def _batch_norm(
    graph: Any, changes: Changes, node: int, x: int, gamma: int | None, beta: int | None,
    mean: int, variance: int, *, epsilon: float = 1e-3, frozen: bool = False, always: bool = False,
    **kwargs: Any,
) -> int:  # fmt: skip
    if not frozen and (always or graph.trains):
        raise unknown("a batch normalization in training, which mixes samples")
    code = [("constant", epsilon), ("add", 1, 2), ("rsqrt", 3), ("multiply", 0, 4)]
    change: int = graph.map([changes[x], variance], code)
    return change if gamma is None else int(graph.map([change, gamma], [("multiply", 0, 1)]))


RULES: dict[str, Callable[..., int | None]] = {
    "activation": activation,
    "add": _add,
    "average_pool2d": _linear("average_pool2d"),
    "batch_norm": _batch_norm,
    "batch_reduce": _linear("batch_reduce"),
    "concat": _concat,
    "conv2d": _with_weights("conv2d", pad_value=0.0),
    "dense": _with_weights("dense"),
    "log_softmax": _log_softmax,
    "map": expression,
    "matmul": _matmul,
    "max_pool2d": _max_pool2d,
    "pad2d": _linear("pad2d", value=0.0),
    "reduce": _reduce,
    "reshape": _linear("reshape"),
    "scatter": _linear("scatter", fill=0.0),
    "softmax": _softmax,
    "strided": _linear("strided"),
    "take": _take,
}
