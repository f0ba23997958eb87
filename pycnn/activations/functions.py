"""The activation functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.activations.operation import Operation, apply
from pycnn.core.results import as_result

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


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
    return apply(x, "relu", **options)


def relu6(x: Any) -> Any:
    """min(max(x, 0), 6)."""
    return relu(x, max_value=6.0)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x where x > 0, else negative_slope * x."""
    return apply(x, "leaky_relu", alpha=float(negative_slope))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha * (exp(x) - 1). Clevert et al. 2016."""
    return apply(x, "elu", alpha=float(alpha))


def selu(x: Any) -> Any:
    """1.0507 * elu(x, 1.6733). Klambauer et al. 2017."""
    return apply(x, "selu")


def gelu(x: Any, approximate: bool = False) -> Any:
    """x * Phi(x), Phi the normal distribution function; `approximate` uses tanh. Hendrycks & Gimpel 2016."""
    return apply(x, "gelu_tanh" if approximate else "gelu")


def silu(x: Any) -> Any:
    """x * sigmoid(x), also called swish. Ramachandran et al. 2017."""
    return apply(x, "silu")


swish = silu


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return apply(x, "sigmoid")


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return apply(x, "tanh")


def softplus(x: Any) -> Any:
    """log(exp(x) + 1)."""
    return apply(x, "softplus")


def softsign(x: Any) -> Any:
    """x / (1 + |x|)."""
    return apply(x, "softsign")


def hard_sigmoid(x: Any) -> Any:
    """clip(x / 6 + 1/2, 0, 1)."""
    return apply(x, "hard_sigmoid")


def hard_silu(x: Any) -> Any:
    """x * hard_sigmoid(x), also called hard_swish. Howard et al. 2019."""
    return apply(x, "hard_silu")


hard_swish = hard_silu


def mish(x: Any) -> Any:
    """x * tanh(softplus(x)). Misra 2019."""
    return apply(x, "mish")


def exponential(x: Any) -> Any:
    """exp(x)."""
    return apply(x, "exponential")


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


def _along(kind: str, x: ArrayLike | Operation, axis: int) -> Any:
    if isinstance(x, Operation):
        if axis != -1:
            raise TypeError(f"{kind} in a layer works along the last axis, not {axis}")
        return apply(x, kind)
    from pycnn import ops  # not loaded by `import pycnn`

    return as_result(getattr(ops, kind)(x, axis=axis))
