"""Activations by name, and as plain data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pycnn.activations.operation import functions, is_known
from pycnn.core import custom_objects, registry, serialization
from pycnn.core.function import tracing
from pycnn.core.layer import Layer
from pycnn.core.names import unknown
from pycnn.core.symbolic import KerasTensor

if TYPE_CHECKING:
    from pycnn.activations.operation import ActivationFunction

# Layers that hold the options of a function, by its name: where a program's function is one with options, it
# becomes the layer, which can be described.
_LAYERS = {
    "leaky_relu": ("LeakyReLU", ("negative_slope",)),
    "elu": ("ELU", ("alpha",)),
    "relu": ("ReLU", ("max_value", "negative_slope", "threshold")),
}


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
        return functions()["linear"]
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
        function = functions().get(identifier)
        if function is None:
            raise unknown("activation", identifier, sorted(functions()))
        return function
    if isinstance(identifier, type) and issubclass(identifier, Layer):
        return identifier()
    if not callable(identifier):
        raise unknown("activation", identifier, sorted(functions()))
    if is_known(identifier):
        return identifier  # type: ignore[no-any-return]
    return _recognized(identifier)


def _recognized(function: Callable[..., Any]) -> ActivationFunction | Layer:
    """What a foreign function (of tf.nn, a lambda, a partial) is in terms of `keras.activations`."""
    symbol, output = _traced(function)
    call = output.node
    is_one = call is not None and len(call.inputs) == 1 and call.inputs[0] is symbol
    operation: Any = call.operation if call is not None and is_one else None
    name = getattr(getattr(operation, "function", None), "name", "")
    known = functions().get(name)
    if known is None:
        return function
    parameters = inspect.signature(known).parameters
    if all(parameters[option].default == value for option, value in operation.attributes.items()):
        return known
    if name in _LAYERS:
        layer, options = _LAYERS[name]
        return registry.layer_class(layer)(**{option: operation.attributes[option] for option in options})
    return function


def _traced(function: Callable[..., Any]) -> tuple[KerasTensor, KerasTensor]:
    """A symbol and what the function makes of it; ValueError where that is no symbol of the same shape."""
    symbol = KerasTensor((None, 1), name="x")
    try:
        with tracing():
            output = function(symbol)
    except Exception as error:
        raise ValueError(
            f"{function!r} is no activation that pycnn can compute: {error}. Known are: "
            f"{', '.join(sorted(functions()))}"
        ) from error
    if not isinstance(output, KerasTensor) or output.shape != symbol.shape:
        raise ValueError(
            f"{function!r} is no activation that pycnn can compute: it returned {output!r:.200} for "
            f"{symbol!r}; "
            f"expected a symbol of the same shape, as keras.ops give them"
        )
    return symbol, output


def serialize(activation: ActivationFunction | Layer) -> Any:
    """The name of a function of `keras.activations`; the description of a layer or of another function."""
    if isinstance(activation, Layer):
        return activation.serialize()
    if not callable(activation):
        raise TypeError(f"activations.serialize: {activation!r:.200} is no activation function")
    return activation.__name__ if is_known(activation) else serialization.serialize_function(activation)


def deserialize(config: Any) -> ActivationFunction | Layer:
    """The activation that `serialize` described."""
    if isinstance(config, Mapping):
        return get(registry.deserialize_layer(config, get))
    return get(config)
