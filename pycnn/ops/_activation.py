"""How a layer finds its activation by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._activation_gated import elu, gelu, mish, selu, silu
from ._activation_piecewise import hard_sigmoid, hard_silu, leaky_relu, linear, relu
from ._activation_smooth import exponential, sigmoid, softplus, softsign, tanh
from ._softmax import log_softmax, softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycnn.core.arrays import F32

_ACTIVATIONS: dict[str, Callable[..., F32]] = {
    "elu": elu,
    "exponential": exponential,
    "gelu": gelu,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": hard_silu,
    "hard_swish": hard_silu,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "swish": silu,
    "tanh": tanh,
}


def find_activation(activation: str | Callable[[F32], F32] | None) -> Callable[[F32], F32]:
    """The function of that name; a function is returned as it is, None stands for doing nothing."""
    if activation is None:
        return _same
    if callable(activation):
        return activation
    if not isinstance(activation, str):
        raise TypeError(f"activation is {activation!r}; expected a name, a function or None")
    if activation not in _ACTIVATIONS:
        raise ValueError(
            f"activation is {activation!r}; expected a function or one of {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[activation]


def _same(y: F32) -> F32:
    return y
