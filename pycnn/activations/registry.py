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
from pycnn.activations.operation import Operation, composed, is_composed
from pycnn.core import custom_objects, registry, serialization
from pycnn.core.function import tracing
from pycnn.core.layer import Layer
from pycnn.core.names import unknown
from pycnn.core.symbolic import KerasTensor

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


def named(name: str) -> ActivationFunction | None:
    """The activation function of a name; None where there is none."""
    return _FUNCTIONS.get(name) or _ALIASES.get(name) or composed().get(name)


def names() -> list[str]:
    """The names of all activation functions."""
    return sorted({*_FUNCTIONS, *_ALIASES, *composed()})


def get(identifier: Any) -> ActivationFunction | Layer:
    """The activation for a name, a function, a layer or None.

    Args:
        identifier: a name such as 'relu'; a function of `keras.activations` or `tf.nn`; a function of your
            own, written with `keras.ops`; a layer without weights, such as LeakyReLU(0.1); None for none.

    Returns:
        A function of `keras.activations`, or a layer.

    Raises:
        ValueError: if there is no such activation, or a function cannot be traced.

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
        return deserialize(identifier)
    if isinstance(identifier, str):
        own = custom_objects.found(identifier, None)
        if own is not None:
            return get(own)
        function = named(identifier)
        if function is None:
            raise unknown("activation", identifier, names())
        return function
    if isinstance(identifier, type) and issubclass(identifier, Layer):
        return identifier()
    if not callable(identifier):
        raise unknown("activation", identifier, names())
    if identifier in _FUNCTIONS.values() or is_composed(identifier):
        return identifier  # type: ignore[no-any-return]
    return _recognized(identifier)


def _recognized(function: Callable[..., Any]) -> ActivationFunction | Layer:
    """What a foreign function (of tf.nn, a lambda, a partial) is in terms of `keras.activations`."""
    try:
        operation = function(Operation())
    except Exception:
        return _traceable(function)
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
    return _traceable(function)


def _traceable(function: Callable[..., Any]) -> ActivationFunction:
    """The function, written with `keras.ops`; ValueError where it gives no symbol of the same shape."""
    symbol = KerasTensor((None, 1), name="x")
    try:
        with tracing():
            output = function(symbol)
    except Exception as error:
        raise ValueError(
            f"{function!r} is no activation that pycnn can compute: {error}. Known are: {', '.join(names())}"
        ) from error
    if not isinstance(output, KerasTensor) or output.shape != symbol.shape:
        raise ValueError(
            f"{function!r} is no activation that pycnn can compute: it returned {output!r:.200} for "
            f"{symbol!r}; "
            f"expected a symbol of the same shape, as keras.ops give them"
        )
    return function


def serialize(activation: ActivationFunction | Layer) -> Any:
    """The name of a function of `keras.activations`; the description of a layer or of another function."""
    if isinstance(activation, Layer):
        return activation.serialize()
    known = is_composed(activation) or _FUNCTIONS.get(activation.__name__) is activation
    return activation.__name__ if known else serialization.serialize_function(activation)


def deserialize(config: Any) -> ActivationFunction | Layer:
    """The activation that `serialize` described."""
    if isinstance(config, Mapping):
        return get(registry.deserialize_layer(config, get))
    return get(config)


registry.add_package("activations", serialize, deserialize)
