"""The activations by name: what layers and `keras.activations` find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._activation_composed import ACTIVATIONS as _COMPOSED
from ._activation_gated import elu, gelu, mish, selu, silu
from ._activation_piecewise import hard_sigmoid, hard_silu, leaky_relu, linear, relu
from ._activation_smooth import exponential, sigmoid, softplus, softsign, tanh
from ._softmax import log_softmax, softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycnn.core.arrays import F32

_KERNELS: tuple[Callable[..., Any], ...] = (
    elu, exponential, gelu, hard_sigmoid, hard_silu, leaky_relu, linear, log_softmax, mish, relu, selu,
    sigmoid, silu, softmax, softplus, softsign, tanh,
)  # fmt: skip
ACTIVATIONS: dict[str, Callable[..., Any]] = {
    **{function.__name__: function for function in _KERNELS},
    **_COMPOSED,
    "hard_swish": hard_silu,
    "swish": silu,
}


def find_activation(activation: str | Callable[[F32], F32] | None) -> Callable[[F32], F32]:
    """The function of that name; a function is returned as it is, None stands for doing nothing."""
    if activation is None:
        return _same
    if callable(activation):
        return activation
    if not isinstance(activation, str):
        raise TypeError(f"activation is {activation!r}; expected a name, a function or None")
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"activation is {activation!r}; expected a function or one of {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[activation]


def _same(y: F32) -> F32:
    return y
