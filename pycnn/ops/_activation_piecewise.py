"""Activations made of straight pieces."""

from __future__ import annotations

import math
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
    from pycnn.core.operations.value import Value


@operation(lower=lambda x: activated(x, "linear"))
def linear(x: ArrayLike) -> F32:
    """The identity: y = x, as float32.

    y = x

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: none needed; Keras' name for no activation.

    >>> from pycnn import ops
    >>> ops.linear([-1, 2]).tolist()
    [-1.0, 2.0]
    """
    return _core.activation_forward("linear", as_float32("x", x))


def linear_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `linear`: dx = dy.

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `linear`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.linear_backward([3.0], [1.0]).tolist()
    [3.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("linear", x, dy)


def _relu(x: Value, negative_slope: float, max_value: float | None, threshold: float) -> Value:
    limit = math.inf if max_value is None else max_value
    return activated(x, "relu", alpha=negative_slope, max_value=limit, threshold=threshold)


@operation(lower=_relu)
def relu(
    x: ArrayLike, negative_slope: float = 0.0, *, max_value: float | None = None, threshold: float = 0.0
) -> F32:
    """Rectified linear unit.

    y = max_value where x >= max_value, x where x > threshold, else negative_slope (x - threshold)

    Args:
        x: Any shape.
        negative_slope: Slope below the threshold.
        max_value: Largest output, or None for no limit.
        threshold: Where the slope of 1 begins.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.
        ValueError: A parameter that is not finite.

    Source: Nair and Hinton, Rectified linear units, ICML 2010; the parameters are Keras'.

    >>> from pycnn import ops
    >>> ops.relu([-1.0, 2.0]).astype(int).tolist()
    [0, 2]
    """
    return _core.activation_forward(
        "relu",
        as_float32("x", x),
        alpha=as_number("negative_slope", negative_slope),
        max_value=_limit(max_value),
        threshold=as_number("threshold", threshold),
    )


def relu_backward(
    dy: ArrayLike,
    x: ArrayLike,
    *,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> F32:
    """Gradient of `relu`: dy where threshold < x < max_value, negative_slope dy below, 0 above.

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `relu`.
        negative_slope: As given to `relu`.
        max_value: As given to `relu`.
        threshold: As given to `relu`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x, a parameter that is not finite.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.relu_backward([5.0, 5.0], [-1.0, 2.0]).tolist()
    [0.0, 5.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward(
        "relu",
        x,
        dy,
        alpha=as_number("negative_slope", negative_slope),
        max_value=_limit(max_value),
        threshold=as_number("threshold", threshold),
    )


@operation(lower=lambda x, negative_slope: activated(x, "leaky_relu", alpha=negative_slope))
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> F32:
    """Leaky rectified linear unit.

    y = x where x > 0, else negative_slope x

    Args:
        x: Any shape.
        negative_slope: Slope below zero (Keras' layer has 0.3, its function 0.2).

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.
        ValueError: A parameter that is not finite.

    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, ICML 2013.

    >>> from pycnn import ops
    >>> ops.leaky_relu([-2.0, 2.0], 0.25).tolist()
    [-0.5, 2.0]
    """
    return _core.activation_forward(
        "leaky_relu",
        as_float32("x", x),
        alpha=as_number("negative_slope", negative_slope),
    )


def leaky_relu_backward(dy: ArrayLike, x: ArrayLike, *, negative_slope: float = 0.2) -> F32:
    """Gradient of `leaky_relu`: dy where x > 0, else negative_slope dy.

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `leaky_relu`.
        negative_slope: As given to `leaky_relu`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x, a parameter that is not finite.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.leaky_relu_backward([4.0, 4.0], [-2.0, 2.0], negative_slope=0.25).tolist()
    [1.0, 4.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("leaky_relu", x, dy, alpha=as_number("negative_slope", negative_slope))


@operation(lower=lambda x: activated(x, "hard_sigmoid"))
def hard_sigmoid(x: ArrayLike) -> F32:
    """Sigmoid of three straight pieces.

    y = min(max(x / 6 + 1/2, 0), 1)

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Courbariaux, Bengio and David, BinaryConnect, arXiv:1511.00363; the slope of 1/6 is Keras'.

    >>> from pycnn import ops
    >>> ops.hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return _core.activation_forward("hard_sigmoid", as_float32("x", x))


def hard_sigmoid_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `hard_sigmoid`: dy / 6 where -3 < x < 3, else 0.

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `hard_sigmoid`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.hard_sigmoid_backward([6.0, 6.0], [0.0, 4.0]).tolist()
    [1.0, 0.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("hard_sigmoid", x, dy)


@operation(lower=lambda x: activated(x, "hard_silu"))
def hard_silu(x: ArrayLike) -> F32:
    """SiLU with the hard sigmoid.

    y = x hard_sigmoid(x)

    Args:
        x: Any shape.

    Returns:
        y, shaped as x, float32.

    Raises:
        TypeError: An array that is not real numbers.

    Source: Howard et al., Searching for MobileNetV3, arXiv:1905.02244.

    >>> from pycnn import ops
    >>> ops.hard_silu([-1.5, 0.0, 3.0]).tolist()
    [-0.375, 0.0, 3.0]
    """
    return _core.activation_forward("hard_silu", as_float32("x", x))


def hard_silu_backward(dy: ArrayLike, x: ArrayLike) -> F32:
    """Gradient of `hard_silu`: dy (hard_sigmoid(x) + x / 6 where -3 < x < 3).

    Args:
        dy: Gradient of y, shaped as x.
        x: As given to `hard_silu`.

    Returns:
        dx, shaped as x, float32.

    Raises:
        TypeError: Arrays that are not real numbers.
        ValueError: dy that has not the shape of x.

    Source: the chain rule.

    >>> from pycnn import ops
    >>> ops.hard_silu_backward([2.0, 2.0], [0.0, 4.0]).tolist()
    [1.0, 2.0]
    """
    x = as_float32("x", x)
    dy = arguments.as_gradient(dy, x.shape)
    return _core.activation_backward("hard_silu", x, dy)


hard_swish = hard_silu
hard_swish_backward = hard_silu_backward


def _limit(max_value: float | None) -> float:
    return math.inf if max_value is None else as_number("max_value", max_value)
