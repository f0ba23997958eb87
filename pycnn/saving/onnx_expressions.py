"""Activations and expressions, element by element, as nodes of ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pycnn.saving.onnx_writer import Writer

_PLAIN = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "maximum": "Max", "minimum": "Min",
    "power": "Pow", "negative": "Neg", "abs": "Abs", "sign": "Sign", "exp": "Exp", "log": "Log",
    "sqrt": "Sqrt", "reciprocal": "Reciprocal", "erf": "Erf", "tanh": "Tanh", "sigmoid": "Sigmoid",
    "sin": "Sin", "cos": "Cos", "floor": "Floor", "ceil": "Ceil", "round": "Round",
}  # fmt: skip
_COMPARISONS = {"equal": "Equal", "less": "Less", "less_equal": "LessOrEqual"}


class _Maker:
    """Makes nodes out of names."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._float = writer.onnx.TensorProto.FLOAT
        self._bool = writer.onnx.TensorProto.BOOL

    def __call__(self, operation: str, *inputs: str, **attributes: Any) -> str:
        return self._writer.add(operation, inputs, **attributes)

    def number(self, value: float | None) -> str:
        value = math.inf if value is None else value
        return self._writer.constant(value, name=f"number:{value!r}")

    def as_bool(self, x: str) -> str:
        return self("Cast", x, to=self._bool)

    def as_float(self, x: str) -> str:
        return self("Cast", x, to=self._float)


def activation(writer: Writer, x: str, given: dict[str, Any]) -> str:
    """The activation of x, from its description in the graph."""
    make, kind = _Maker(writer), given["kind"]
    if kind == "relu":
        return _relu(make, x, given["alpha"], given["max_value"], given["threshold"])
    simple: dict[str, Callable[[], str]] = {
        "linear": lambda: make("Identity", x),
        "leaky_relu": lambda: make("LeakyRelu", x, alpha=given["alpha"]),
        "elu": lambda: make("Elu", x, alpha=given["alpha"]),
        "selu": lambda: make("Selu", x),
        "gelu": lambda: _gelu(make, x),
        "gelu_tanh": lambda: _gelu_tanh(make, x),
        "silu": lambda: make("Mul", x, make("Sigmoid", x)),
        "sigmoid": lambda: make("Sigmoid", x),
        "tanh": lambda: make("Tanh", x),
        "softplus": lambda: make("Softplus", x),
        "softsign": lambda: make("Softsign", x),
        "hard_sigmoid": lambda: make("HardSigmoid", x, alpha=1 / 6, beta=0.5),
        "hard_silu": lambda: make("HardSwish", x),
        "mish": lambda: make("Mul", x, make("Tanh", make("Softplus", x))),
        "exponential": lambda: make("Exp", x),
    }
    return simple[kind]()


def _relu(make: _Maker, x: str, alpha: float, max_value: float | None, threshold: float) -> str:
    if (alpha, threshold) == (0, 0):
        return (
            make("Relu", x)
            if max_value is None
            else make("Clip", x, make.number(0.0), make.number(max_value))
        )
    below = make("Mul", make("Sub", x, make.number(threshold)), make.number(alpha))
    y = make("Where", make("Greater", x, make.number(threshold)), x, below)
    return y if max_value is None else make("Min", y, make.number(max_value))


def _gelu(make: _Maker, x: str) -> str:
    error = make("Erf", make("Mul", x, make.number(math.sqrt(0.5))))
    return make("Mul", make("Mul", x, make.number(0.5)), make("Add", error, make.number(1.0)))


def _gelu_tanh(make: _Maker, x: str) -> str:
    cube = make("Mul", make("Mul", make("Mul", x, x), x), make.number(0.044715))
    inner = make("Tanh", make("Mul", make("Add", x, cube), make.number(math.sqrt(2 / math.pi))))
    return make("Mul", make("Mul", x, make.number(0.5)), make("Add", inner, make.number(1.0)))


def expression(writer: Writer, operands: Sequence[str], code: Sequence[Sequence[Any]]) -> str:
    """The value of the last instruction; each reads operands and what earlier instructions made."""
    make, registers = _Maker(writer), list(operands)
    for name, *arguments in code:
        if name == "constant":
            registers.append(make.number(arguments[0]))
        elif name == "activation":
            registers.append(activation(writer, registers[arguments[0]], arguments[1]))
        else:
            registers.append(_instruction(make, name, [registers[i] for i in arguments]))
    return registers[-1]


def _instruction(make: _Maker, name: str, x: list[str]) -> str:
    if name in _PLAIN:
        return make(_PLAIN[name], *x)
    if name in _COMPARISONS:
        return make.as_float(make(_COMPARISONS[name], *x))
    others: dict[str, Callable[[], str]] = {
        "floor_divide": lambda: make("Floor", make("Div", *x)),
        "mod": lambda: make("Sub", x[0], make("Mul", make("Floor", make("Div", *x)), x[1])),
        "not_equal": lambda: make.as_float(make("Not", make("Equal", *x))),
        "logical_and": lambda: make.as_float(make("And", *map(make.as_bool, x))),
        "logical_or": lambda: make.as_float(make("Or", *map(make.as_bool, x))),
        "logical_not": lambda: make.as_float(make("Not", make.as_bool(x[0]))),
        "where": lambda: make("Where", make.as_bool(x[0]), x[1], x[2]),
        "expm1": lambda: make("Sub", make("Exp", x[0]), make.number(1.0)),
        "log1p": lambda: make("Log", make("Add", x[0], make.number(1.0))),
        "rsqrt": lambda: make("Reciprocal", make("Sqrt", x[0])),
        "square": lambda: make("Mul", x[0], x[0]),
        "isnan": lambda: make.as_float(make("IsNaN", x[0])),
        "isfinite": lambda: make.as_float(make("Not", make("Or", make("IsNaN", x[0]), make("IsInf", x[0])))),
        "stop_gradient": lambda: make("Identity", x[0]),
    }
    return others[name]()
