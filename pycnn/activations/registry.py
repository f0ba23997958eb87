"""Activations by name, and as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pycnn.activations.functions import (
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    hard_silu,
    leaky_relu,
    linear,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from pycnn.activations.operation import Operation
from pycnn.core import registry
from pycnn.core.layer import Layer
from pycnn.core.names import unknown

if TYPE_CHECKING:
    from pycnn.activations.operation import ActivationFunction

_FUNCTIONS: dict[str, ActivationFunction] = {
    function.__name__: function
    for function in (
        linear, relu, relu6, leaky_relu, elu, selu, gelu, silu, sigmoid, tanh, softplus, softsign,
        hard_sigmoid, hard_silu, mish, exponential, softmax, log_softmax,
    )
}  # fmt: skip
_ALIASES = {"swish": silu, "hard_swish": hard_silu}


def get(identifier: Any) -> ActivationFunction | Layer:
    """The activation for a name, a function, a layer or None.

    Args:
        identifier: a name such as 'relu'; a function of `keras.activations` or `tf.nn`, or a lambda or
            partial that calls just one of them; a layer without weights, such as LeakyReLU(0.1); None for
            none.

    Returns:
        A function of `keras.activations`, or a layer.

    Raises:
        ValueError: if there is no such activation, or if it is a function that the core does not have.

    Example:
        >>> import pycnn as keras
        >>> keras.activations.get("relu") is keras.activations.relu
        True
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Layer):
        if identifier.has_weights:
            raise ValueError(
                f"Layer {identifier.name!r} has weights and cannot be an activation; add it as a layer"
            )
        return identifier
    if isinstance(identifier, Mapping):
        return get(deserialize(identifier))
    if isinstance(identifier, str):
        function = _FUNCTIONS.get(identifier) or _ALIASES.get(identifier)
        if function is None:
            raise unknown("activation", identifier, [*_FUNCTIONS, *_ALIASES])
        return function
    if isinstance(identifier, type) and issubclass(identifier, Layer):
        return identifier()
    if not callable(identifier):
        raise unknown("activation", identifier, [*_FUNCTIONS, *_ALIASES])
    if identifier in _FUNCTIONS.values():
        return identifier  # type: ignore[no-any-return]
    return _recognized(identifier)


def _recognized(function: Callable[..., Any]) -> ActivationFunction | Layer:
    """What a foreign function (of tf.nn, a lambda, a partial) is in terms of `keras.activations`."""
    try:
        operation = function(Operation())
    except Exception as error:
        raise ValueError(f"{function!r} is no activation that pycnn can compute: {error}") from error
    for known in _FUNCTIONS.values():
        if operation == known(Operation()):
            return known
    if isinstance(operation, Operation):
        options = operation.options
        if operation.kind == "leaky_relu":
            return registry.layer_class("LeakyReLU")(options["alpha"])
        if operation.kind == "elu":
            return registry.layer_class("ELU")(options["alpha"])
        if operation.kind == "relu":
            return registry.layer_class("ReLU")(
                options.get("max_value"), options["alpha"], options["threshold"]
            )
        if operation.kind == "gelu_tanh":
            raise ValueError("gelu(approximate=True) is not available as a layer's activation; use gelu")
    raise ValueError(
        f"{function!r} is no activation that pycnn can compute. Known are: {', '.join(_FUNCTIONS)}"
    )


def serialize(activation: ActivationFunction | Layer) -> Any:
    """The name of a function of `keras.activations`, or the description of a layer."""
    return activation.serialize() if isinstance(activation, Layer) else activation.__name__


def deserialize(config: Any) -> ActivationFunction | Layer:
    """The activation that `serialize` described."""
    if isinstance(config, Mapping):
        return registry.deserialize_layer(config)
    return get(config)
