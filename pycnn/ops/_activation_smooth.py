"""Smooth activations without a zero of their own: sigmoid and its relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn import _core
from pycnn.core.arrays import as_float32
from pycnn.core.operations.base import operation
from pycnn.core.operations.nodes import activated

from . import arguments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


@operation(lower=lambda x: activated(x, "sigmoid"))
def sigmoid(x: ArrayLike) -> F32:
    """Logistic sigmoid.

    y = 1 / (1 + exp(-x))

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 3.10.

    >>> from pycnn import ops
    >>> ops.sigmoid([0.0, 100.0]).tolist()
    [0.5, 1.0]
    """
    return _core.activation_forward("sigmoid", as_float32("x", x))


def sigmoid_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `sigmoid`: dy y (1 - y).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `sigmoid`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.sigmoid_backward([4.0], [0.0]).tolist()
    [1.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("sigmoid", x, dy)


@operation(lower=lambda x: activated(x, "tanh"))
def tanh(x: ArrayLike) -> F32:
    """Hyperbolic tangent.

    y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: LeCun et al., Efficient BackProp, 1998, section 4.4.

    >>> from pycnn import ops
    >>> ops.tanh([0.0, 100.0]).tolist()
    [0.0, 1.0]
    """
    return _core.activation_forward("tanh", as_float32("x", x))


def tanh_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `tanh`: dy (1 - y^2).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `tanh`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.tanh_backward([4.0], [0.0]).tolist()
    [4.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("tanh", x, dy)


@operation(lower=lambda x: activated(x, "softplus"))
def softplus(x: ArrayLike) -> F32:
    """Smooth rectifier.

    y = log(1 + exp(x))

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Dugas et al., Incorporating second-order functional knowledge, NIPS 2000.

    >>> from pycnn import ops
    >>> [round(v, 4) for v in ops.softplus([0.0, 100.0]).tolist()]
    [0.6931, 100.0]
    """
    return _core.activation_forward("softplus", as_float32("x", x))


def softplus_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `softplus`: dy sigmoid(x).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `softplus`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.softplus_backward([4.0], [0.0]).tolist()
    [2.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("softplus", x, dy)


@operation(lower=lambda x: activated(x, "softsign"))
def softsign(x: ArrayLike) -> F32:
    """Sigmoid with tails of 1 / x.

    y = x / (1 + |x|)

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Bergstra et al., Quadratic polynomials learn better image features, Montreal 2009.

    >>> from pycnn import ops
    >>> ops.softsign([-1.0, 3.0]).tolist()
    [-0.5, 0.75]
    """
    return _core.activation_forward("softsign", as_float32("x", x))


def softsign_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `softsign`: dy / (1 + |x|)^2.

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `softsign`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.softsign_backward([4.0], [-1.0]).tolist()
    [1.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("softsign", x, dy)


@operation(lower=lambda x: activated(x, "exponential"))
def exponential(x: ArrayLike) -> F32:
    """Exponential.

    y = exp(x)

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Keras' name for exp.

    >>> from pycnn import ops
    >>> ops.exponential([0.0]).tolist()
    [1.0]
    """
    return _core.activation_forward("exponential", as_float32("x", x))


def exponential_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `exponential`: dy y.

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `exponential`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.exponential_backward([4.0], [0.0]).tolist()
    [4.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("exponential", x, dy)
