"""Activation functions, with Keras' names and defaults.

Each takes real numbers `x` of any shape and returns a float32 array of that shape; TypeError where `x` is
something else. Each can be given to a layer as `activation=`, by name or itself.

Example:
    >>> import pycnn as keras
    >>> keras.activations.hard_sigmoid([-3.0, 0.0, 3.0])
    array([0. , 0.5, 1. ], dtype=float32)
    >>> keras.layers.Dense(2, activation="hard_sigmoid").activation is keras.activations.hard_sigmoid
    True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn import _core, ops
from pycnn.core import registry
from pycnn.core.arrays import as_float32
from pycnn.core.layer import Layer
from pycnn.core.names import unknown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn._core import Graph

    ActivationFunction: TypeAlias = Callable[..., Any]

__all__ = [
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


class _Operation:
    """Stands for an array, to ask a function which operation of the core it is: relu(_Operation()) tells."""

    __slots__ = ("kind", "options")

    def __init__(self, kind: str = "linear", options: dict[str, float] | None = None) -> None:
        self.kind = kind
        self.options = options or {}

    def lower(self, graph: Graph, node: int, name: str) -> int:
        """Adds the operation to a graph."""
        if self.kind == "linear":
            return node
        if self.kind == "softmax":
            return graph.softmax(node, name=name)
        if self.kind == "log_softmax":
            return graph.log_softmax(node, name=name)
        return graph.activation(node, self.kind, name=name, **self.options)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Operation) and (self.kind, self.options) == (other.kind, other.options)

    __hash__ = None  # type: ignore[assignment]


def _apply(x: Any, kind: str, **options: float) -> Any:
    if isinstance(x, _Operation):
        if x.kind != "linear":
            raise TypeError("an activation is one function, not several in a row")
        return _Operation(kind, options)
    array = as_float32("x", x)
    return _core.activation_forward(kind, array.reshape(array.shape or (1,)), **options).reshape(array.shape)


def linear(x: Any) -> Any:
    """x itself."""
    return x


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """max(x, 0), with Keras' generalizations.

    Args:
        x: array of any shape.
        negative_slope: slope below the threshold: negative_slope * (x - threshold).
        max_value: upper limit of the result, or None.
        threshold: values below it are damped.

    Returns:
        A float32 array of x's shape.

    Example:
        >>> import pycnn as keras
        >>> keras.activations.relu([-1.0, 0.5, 9.0], negative_slope=0.5, max_value=6.0)
        array([-0.5,  0.5,  6. ], dtype=float32)
    """
    options = {"alpha": float(negative_slope), "threshold": float(threshold)}
    if max_value is not None:
        options["max_value"] = float(max_value)
    return _apply(x, "relu", **options)


def relu6(x: Any) -> Any:
    """min(max(x, 0), 6)."""
    return relu(x, max_value=6.0)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x where x > 0, else negative_slope * x."""
    return _apply(x, "leaky_relu", alpha=float(negative_slope))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha * (exp(x) - 1). Clevert et al. 2016."""
    return _apply(x, "elu", alpha=float(alpha))


def selu(x: Any) -> Any:
    """1.0507 * elu(x, 1.6733). Klambauer et al. 2017."""
    return _apply(x, "selu")


def gelu(x: Any, approximate: bool = False) -> Any:
    """x * Phi(x), Phi the normal distribution function; `approximate` uses tanh. Hendrycks & Gimpel 2016."""
    return _apply(x, "gelu_tanh" if approximate else "gelu")


def silu(x: Any) -> Any:
    """x * sigmoid(x), also called swish. Ramachandran et al. 2017."""
    return _apply(x, "silu")


swish = silu


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return _apply(x, "sigmoid")


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return _apply(x, "tanh")


def softplus(x: Any) -> Any:
    """log(exp(x) + 1)."""
    return _apply(x, "softplus")


def softsign(x: Any) -> Any:
    """x / (1 + |x|)."""
    return _apply(x, "softsign")


def hard_sigmoid(x: Any) -> Any:
    """clip(x / 6 + 1/2, 0, 1)."""
    return _apply(x, "hard_sigmoid")


def hard_silu(x: Any) -> Any:
    """x * hard_sigmoid(x), also called hard_swish. Howard et al. 2019."""
    return _apply(x, "hard_silu")


hard_swish = hard_silu


def mish(x: Any) -> Any:
    """x * tanh(softplus(x)). Misra 2019."""
    return _apply(x, "mish")


def exponential(x: Any) -> Any:
    """exp(x)."""
    return _apply(x, "exponential")


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / sum of exp(x) along an axis.

    Args:
        x: array of at least one axis.
        axis: along which the results add up to one. A layer can only use the last.

    Returns:
        A float32 array of x's shape.

    Example:
        >>> import pycnn as keras
        >>> keras.activations.softmax([[0.0, 0.0]])
        array([[0.5, 0.5]], dtype=float32)
    """
    return _along("softmax", x, axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """log(softmax(x))."""
    return _along("log_softmax", x, axis)


def _along(kind: str, x: ArrayLike | _Operation, axis: int) -> Any:
    if isinstance(x, _Operation):
        if axis != -1:
            raise TypeError(f"{kind} in a layer works along the last axis, not {axis}")
        return _apply(x, kind)
    return getattr(ops, kind)(x, axis=axis)


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
        identifier: a name such as 'relu'; a function of this module or of `tf.nn`, or a lambda or partial
            that calls just one of them; a layer without weights, such as LeakyReLU(0.1); None for none.

    Returns:
        A function of this module, or a layer.

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
    """What a foreign function (of tf.nn, a lambda, a partial) is in terms of this module."""
    try:
        operation = function(_Operation())
    except Exception as error:
        raise ValueError(f"{function!r} is no activation that pycnn can compute: {error}") from error
    for known in _FUNCTIONS.values():
        if operation == known(_Operation()):
            return known
    if isinstance(operation, _Operation):
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


def lower(activation: ActivationFunction | Layer, graph: Graph, node: int, name: str) -> int:
    """Adds an activation (what `get` returned) to a graph and returns its node."""
    if isinstance(activation, Layer):
        activation.build((None, *graph.shape(node)))
        return activation.lower(graph, node)
    operation: _Operation = activation(_Operation())
    return operation.lower(graph, node, name)


def serialize(activation: ActivationFunction | Layer) -> Any:
    """The name of a function of this module, or the description of a layer."""
    return activation.serialize() if isinstance(activation, Layer) else activation.__name__


def deserialize(config: Any) -> ActivationFunction | Layer:
    """The activation that `serialize` described."""
    if isinstance(config, Mapping):
        return registry.deserialize_layer(config)
    return get(config)
