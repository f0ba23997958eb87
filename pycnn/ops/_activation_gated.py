"""Smooth relatives of the rectified linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn import _core
from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_float32
from pycnn.core.operations.base import operation
from pycnn.core.operations.nodes import activated

from . import arguments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


@operation(lower=lambda x, alpha: activated(x, "elu", alpha=alpha))
def elu(x: ArrayLike, alpha: float = 1.0) -> F32:
    """Exponential linear unit.

    y = x where x > 0, else alpha (exp(x) - 1)

    Args:
        x: Any shape.
        alpha: Minus the limit on the left.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.
        ValueError: A parameter that is not finite.

    Source: Clevert, Unterthiner and Hochreiter, arXiv:1511.07289.

    >>> from pycnn import ops
    >>> ops.elu([-100.0, 2.0]).tolist()
    [-1.0, 2.0]
    """
    return _core.activation_forward("elu", as_float32("x", x), alpha=as_number("alpha", alpha))


def elu_backward(dy: ArrayLike, x: ArrayLike, *, alpha: float = 1.0) -> F32:
    """Gradient of `elu`: dy where x > 0, else dy alpha exp(x).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `elu`.
        alpha: As given to `elu`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x, a parameter that is not finite.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> [round(v, 4) for v in ops.elu_backward([4.0, 4.0], [-1.0, 2.0]).tolist()]
    [1.4715, 4.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("elu", x, dy, alpha=as_number("alpha", alpha))


@operation(lower=lambda x: activated(x, "selu"))
def selu(x: ArrayLike) -> F32:
    """Scaled exponential linear unit.

    y = 1.0507009873554805 (x where x > 0, else 1.6732632423543772 (exp(x) - 1))

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Klambauer et al., Self-normalizing neural networks, arXiv:1706.02515.

    >>> from pycnn import ops
    >>> [round(v, 4) for v in ops.selu([-100.0, 1.0]).tolist()]
    [-1.7581, 1.0507]
    """
    return _core.activation_forward("selu", as_float32("x", x))


def selu_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `selu`: scale dy where x > 0, else scale alpha dy exp(x).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `selu`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> [round(v, 4) for v in ops.selu_backward([1.0], [2.0]).tolist()]
    [1.0507]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("selu", x, dy)


@operation(lower=lambda x, approximate: activated(x, "gelu_tanh" if approximate else "gelu"))
def gelu(x: ArrayLike, approximate: bool = False) -> F32:
    """Gaussian error linear unit.

    y = x P(X <= x) for a standard normal X; approximate: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2

    Args:
        x: Any shape.
        approximate: Use the formula with tanh.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Hendrycks and Gimpel, arXiv:1606.08415.

    >>> from pycnn import ops
    >>> [round(v, 4) for v in ops.gelu([-1.0, 1.0]).tolist()]
    [-0.1587, 0.8413]
    """
    return _core.activation_forward("gelu_tanh" if approximate else "gelu", as_float32("x", x))


def gelu_backward(dy: ArrayLike, x: ArrayLike, *, approximate: bool = False) -> F32:
    """Gradient of `gelu`: dy (P(X <= x) + x p(x)).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `gelu`.
        approximate: As given to `gelu`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.gelu_backward([4.0], [0.0]).tolist()
    [2.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("gelu_tanh" if approximate else "gelu", x, dy)


@operation(lower=lambda x: activated(x, "silu"))
def silu(x: ArrayLike) -> F32:
    """Sigmoid linear unit, also called swish.

    y = x / (1 + exp(-x))

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Elfwing, Uchibe and Doya, arXiv:1702.03118; Ramachandran, Zoph and Le, arXiv:1710.05941.

    >>> from pycnn import ops
    >>> [round(v, 4) for v in ops.silu([-1.0, 1.0]).tolist()]
    [-0.2689, 0.7311]
    """
    return _core.activation_forward("silu", as_float32("x", x))


def silu_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `silu`: dy sigmoid(x) (1 + x (1 - sigmoid(x))).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `silu`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.silu_backward([4.0], [0.0]).tolist()
    [2.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("silu", x, dy)


swish = silu
swish_backward = silu_backward


@operation(lower=lambda x: activated(x, "mish"))
def mish(x: ArrayLike) -> F32:
    """Mish.

    y = x tanh(log(1 + exp(x)))

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Misra, Mish: a self regularized non-monotonic activation function, arXiv:1908.08681.

    >>> from pycnn import ops
    >>> [round(v, 4) for v in ops.mish([-1.0, 1.0]).tolist()]
    [-0.3034, 0.8651]
    """
    return _core.activation_forward("mish", as_float32("x", x))


def mish_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `mish`: dy (t + x (1 - t^2) sigmoid(x)), t = tanh(log(1 + exp(x))).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `mish`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> [round(v, 4) for v in ops.mish_backward([1.0], [0.0]).tolist()]
    [0.6]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("mish", x, dy)
