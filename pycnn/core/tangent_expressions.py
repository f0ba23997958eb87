"""How expressions and activations change along a direction: element by element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from pycnn._core import Graph

Changes: TypeAlias = dict[int, int]  # the nodes of changes by those of values


def unknown(what: str) -> NotImplementedError:
    """The error for what has no second derivative."""
    return NotImplementedError(
        f"The gradient of a gradient is not available through {what}; where none is meant, let "
        f"keras.ops.stop_gradient make a constant of the first one, or use a difference of gradients at two "
        f"points: (g(x + h v) - g(x - h v)) / 2h is the product of the second derivative with v"
    )


def masked(graph: Graph, node: int, x: int, change: int) -> int:
    """The slope of a function that is made of straight pieces, times a change."""
    return graph.map([graph.gradient(node, x), change], [("multiply", 0, 1)])


# Functions of straight pieces, of which the slope is constant around each value.
_PIECES = ("relu", "leaky_relu", "hard_sigmoid")
# The slopes of smooth ones, as expressions of x (register 0), y (1) and further registers.
_SLOPES: dict[str, list[tuple[Any, ...]]] = {
    "tanh": [("constant", 1.0), ("square", 1), ("subtract", 2, 3)],
    "sigmoid": [("constant", 1.0), ("subtract", 2, 1), ("multiply", 1, 3)],
    "softplus": [("sigmoid", 0)],
    "exponential": [("exp", 0)],
    "softsign": [("abs", 0), ("constant", 1.0), ("add", 2, 3), ("square", 4), ("reciprocal", 5)],
    "selu": [  # scale above 0, y + scale alpha below
        ("constant", 1.0507009873554805), ("constant", 1.7580993408473766), ("constant", 0.0), ("less", 0, 4),
        ("add", 1, 3), ("where", 5, 6, 2),
    ],
    "gelu": [  # (1 + erf(x / sqrt(2))) / 2 + x exp(-x^2 / 2) / sqrt(2 pi)
        ("constant", math.sqrt(0.5)), ("multiply", 0, 2), ("erf", 3), ("constant", 1.0), ("add", 4, 5),
        ("constant", 0.5), ("multiply", 6, 7), ("square", 0), ("multiply", 9, 7), ("negative", 10),
        ("exp", 11), ("multiply", 0, 12), ("constant", 1 / math.sqrt(2 * math.pi)), ("multiply", 13, 14),
        ("add", 8, 15),
    ],
    "silu": [
        ("sigmoid", 0), ("constant", 1.0), ("subtract", 3, 2), ("multiply", 0, 4), ("add", 3, 5),
        ("multiply", 2, 6),
    ],
}  # fmt: skip


def activation(
    graph: Graph, changes: Changes, node: int, x: int, kind: str, *, alpha: float = 0.0, **kwargs: Any
) -> int:
    """The change of an activation."""
    if kind == "linear":
        return changes[x]
    if kind in _PIECES:
        return masked(graph, node, x, changes[x])
    if kind == "elu":  # above 0 it is 1, below y + alpha
        code = [
            ("constant", 0.0), ("constant", alpha), ("constant", 1.0), ("less", 0, 2), ("add", 1, 3),
            ("where", 5, 6, 4),
        ]  # fmt: skip
    elif kind in _SLOPES:
        code = _SLOPES[kind]
    else:
        raise unknown(f"the activation {kind}")
    slope = graph.map([x, node], code)
    return graph.map([slope, changes[x]], [("multiply", 0, 1)])


# Of instructions of expressions: for each operand what its change is multiplied with, as instructions. Their
# registers are those of the operands a and b, of the result y, or numbers of instructions before.
_FACTORS: dict[str, list[list[tuple[Any, ...]]]] = {
    "add": [[("constant", 1.0)], [("constant", 1.0)]],
    "subtract": [[("constant", 1.0)], [("constant", -1.0)]],
    "multiply": [[("same", "b")], [("same", "a")]],
    "divide": [[("reciprocal", "b")], [("divide", "y", "b"), ("negative", 0)]],
    "power": [
        [("constant", 1.0), ("subtract", "b", 0), ("power", "a", 1), ("multiply", "b", 2)],
        [("log", "a"), ("multiply", "y", 0)],
    ],
    "maximum": [[("less", "b", "a")], [("less_equal", "a", "b")]],
    "minimum": [[("less", "a", "b")], [("less_equal", "b", "a")]],
    "negative": [[("constant", -1.0)]],
    "abs": [[("sign", "a")]],
    "exp": [[("same", "y")]],
    "expm1": [[("exp", "a")]],
    "log": [[("reciprocal", "a")]],
    "log1p": [[("constant", 1.0), ("add", "a", 0), ("reciprocal", 1)]],
    "sqrt": [[("reciprocal", "y"), ("constant", 0.5), ("multiply", 0, 1)]],
    "rsqrt": [[("divide", "y", "a"), ("constant", -0.5), ("multiply", 0, 1)]],
    "square": [[("add", "a", "a")]],
    "reciprocal": [[("square", "y"), ("negative", 0)]],
    "tanh": [[("square", "y"), ("constant", 1.0), ("subtract", 1, 0)]],
    "sigmoid": [[("square", "y"), ("subtract", "y", 0)]],
    "sin": [[("cos", "a")]],
    "cos": [[("sin", "a"), ("negative", 0)]],
    "erf": [
        [
            ("square", "a"),
            ("negative", 0),
            ("exp", 1),
            ("constant", 2 / math.sqrt(math.pi)),
            ("multiply", 2, 3),
        ]
    ],
}
_CONSTANT = (
    "constant", "floor_divide", "equal", "not_equal", "less", "less_equal", "logical_and", "logical_or",
    "logical_not", "sign", "floor", "ceil", "round", "isnan", "isfinite", "stop_gradient",
)  # fmt: skip


class _Expression:
    """The code of a map that also computes how its result changes."""

    def __init__(self, registers: int) -> None:
        self.code: list[tuple[Any, ...]] = []
        self._begin = registers

    def put(self, *instruction: Any) -> int:
        """Adds an instruction; returns its register."""
        self.code.append(instruction)
        return self._begin + len(self.code) - 1

    def factor(self, instructions: Sequence[tuple[Any, ...]], names: dict[str, int]) -> int:
        """The register of a factor of `_FACTORS`."""
        places: list[int] = []
        for kind, *operands in instructions:
            if kind == "constant":
                places.append(self.put(kind, *operands))
                continue
            given = [names[x] if isinstance(x, str) else places[x] for x in operands]
            places.append(given[0] if kind == "same" else self.put(kind, *given))
        return places[-1]


def expression(
    graph: Graph,
    changes: Changes,
    node: int,
    x: Sequence[int],
    code: Sequence[tuple[Any, ...]],
    **kwargs: Any,
) -> int | None:
    """The change of an expression, which is another one."""
    moving = [i for i, item in enumerate(x) if item in changes]
    operands = [*x, *(changes[x[i]] for i in moving)]
    out = _Expression(len(operands))
    value = dict(enumerate(range(len(x))))  # registers of the old code in the new one
    change = {i: len(x) + place for place, i in enumerate(moving)}
    for number, (kind, *given) in enumerate(code, len(x)):
        if kind == "constant":
            value[number] = out.put(kind, *given)
            continue
        read = given[:1] if kind == "activation" else given
        registers = [value[i] for i in read]
        value[number] = out.put(kind, *registers, *given[len(read) :])
        moved = [i for i in read if i in change]
        if not moved or kind in _CONSTANT:
            continue
        if kind == "where":
            zero = out.put("constant", 0.0)
            change[number] = out.put("where", registers[0], *(change.get(i, zero) for i in given[1:]))
            continue
        if kind not in _FACTORS:
            raise unknown(
                f"{kind} in an expression" if kind != "activation" else f"the activation {given[1]}"
            )
        names = {"a": registers[0], "b": registers[-1], "y": value[number]}
        parts = [
            out.put("multiply", out.factor(factor, names), change[i])
            for i, factor in zip(read, _FACTORS[kind], strict=True)
            if i in change
        ]
        change[number] = parts[0] if len(parts) == 1 else out.put("add", *parts)
    last = len(x) + len(code) - 1
    if last not in change:
        return None
    if change[last] != len(operands) + len(out.code) - 1:  # the result is what comes last
        out.put("add", change[last], out.put("constant", 0.0))
    return graph.map(operands, out.code)
