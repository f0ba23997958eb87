"""Batch normalization over the last axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn import _core
from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_float32
from pycnn.core.operations.arithmetic import add, multiply, subtract
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axis_of
from pycnn.core.operations.elementwise import rsqrt
from pycnn.core.operations.shapes import reshape
from pycnn.core.symbolic import KerasTensor

from . import arguments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pycnn.core.arrays import F32


def _rows(name: str, value: ArrayLike) -> F32:
    x = as_float32(name, value)
    if x.ndim < 2 or x.shape[-1] == 0:
        raise ValueError(f"{name} has shape {x.shape}; expected (n, ..., c) with at least one channel")
    return x


def _epsilon(value: float) -> float:
    epsilon = as_number("epsilon", value)
    if epsilon < 0:
        raise ValueError(f"epsilon is {epsilon}; expected at least 0")
    return epsilon


def _statistic(name: str, value: ArrayLike, channels: int) -> F32:
    vector = arguments.as_vector(name, value, channels)
    if vector is None:
        raise TypeError(f"{name} is None; expected an array of shape ({channels},)")
    return vector


@operation(5)
def _batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any = None,
    scale: Any = None,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Any:
    shape = [1] * x.ndim
    place = axis_of("batch_normalization", axis, x.ndim)
    if x.shape[place] is None:
        raise ValueError(
            f"batch_normalization: axis {axis} of {x.shape} is the batch axis; expected another one"
        )
    for name, vector in (("mean", mean), ("variance", variance), ("offset", offset), ("scale", scale)):
        if vector is not None and vector.shape != (x.shape[place],):
            raise ValueError(
                f"batch_normalization: {name} has shape {vector.shape}; expected ({x.shape[place]},), the "
                f"size of axis {axis}"
            )
    shape[place] = -1
    factor = rsqrt(add(variance, epsilon))
    if scale is not None:
        factor = multiply(factor, scale)
    y = multiply(subtract(x, reshape(mean, shape)), reshape(factor, shape))
    return y if offset is None else add(y, reshape(offset, shape))


def batch_normalization(
    x: Any,
    mean: Any = None,
    variance: Any = None,
    axis: int | None = None,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
    *,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
) -> Any:
    """Batch normalization: y = scale (x - mean) / sqrt(variance + epsilon) + offset.

    With `axis` it is Keras' function, which is given the statistics. Without one it takes them of x, an
    array, over all axes but the last, as in training; its arguments are then (x, gamma, beta), in this order.

    Args:
        x: (n, ..., c), at least one row; a symbol with `axis` only.
        mean: (c,), a symbol or an array. Without `axis`: gamma.
        variance: (c,), likewise. Without `axis`: beta.
        axis: The axis of the c channels, or None.
        offset: Shift (c,), or None for 0.
        scale: Scale (c,), or None for 1.
        epsilon: Keeps the root from zero.
        gamma: Scale (c,) where `axis` is None.
        beta: Shift (c,) where `axis` is None.

    Returns:
        y, shaped as x: a symbol where an operand is one. Without `axis`: y, mean (c,) and variance (c,).

    Raises:
        ValueError: Shapes that do not fit, no rows to take statistics of, a negative epsilon.
        TypeError: Arrays that are not real numbers; a symbol without `axis`.

    Source: Ioffe and Szegedy, Batch normalization, arXiv:1502.03167, algorithm 1.

    >>> from pycnn import ops
    >>> y, mean, variance = ops.batch_normalization([[1.0], [3.0]], epsilon=0.0)
    >>> y.tolist(), mean.tolist(), variance.tolist()
    ([[-1.0], [1.0]], [2.0], [1.0])
    >>> ops.batch_normalization([[1.0], [3.0]], [2.0], [1.0], axis=-1, epsilon=0.0).tolist()
    [[-1.0], [1.0]]
    """
    if axis is not None:
        if gamma is not None or beta is not None:
            raise TypeError(
                "batch_normalization: gamma and beta go without `axis`; expected scale and offset"
            )
        if mean is None or variance is None:
            raise TypeError("batch_normalization: mean and variance are needed where `axis` is given")
        return _batch_normalization(x, mean, variance, offset, scale, axis, _epsilon(epsilon))
    if offset is not None or scale is not None:
        raise TypeError("batch_normalization: offset and scale need mean, variance and axis")
    if isinstance(x, KerasTensor):
        raise TypeError(
            "batch_normalization: a symbol needs mean, variance and axis; the layer takes statistics"
        )
    gamma, beta = mean if gamma is None else gamma, variance if beta is None else beta
    x = _rows("x", x)
    if x.size == 0:
        raise ValueError(f"x has shape {x.shape}; mean and variance need at least one row")
    c = x.shape[-1]
    gamma, beta = arguments.as_vector("gamma", gamma, c), arguments.as_vector("beta", beta, c)
    return _core.batch_norm_forward(x, gamma, beta, _epsilon(epsilon))


def batch_normalization_inference(
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    epsilon: float = 1e-3,
) -> F32:
    """Batch normalization with statistics that are given, as after training.

    Args:
        x: (n, ..., c).
        mean: (c,).
        variance: (c,), not negative.
        gamma: Scale (c,), or None for 1.
        beta: Shift (c,), or None for 0.
        epsilon: Keeps the root from zero.

    Returns:
        y, shaped as x, float32.

    Raises:
        ValueError: Shapes that do not fit, a negative variance or epsilon.
        TypeError: Arrays that are not real numbers.

    Source: Ioffe and Szegedy, arXiv:1502.03167, algorithm 2.

    >>> from pycnn import ops
    >>> ops.batch_normalization_inference([[1.0], [3.0]], [2.0], [0.25], epsilon=0.0).tolist()
    [[-2.0], [2.0]]
    """
    x = _rows("x", x)
    c = x.shape[-1]
    mean, variance = _statistic("mean", mean, c), _statistic("variance", variance, c)
    if (variance < 0).any():
        raise ValueError(f"variance holds {variance.min()}; expected no negative number")
    gamma, beta = arguments.as_vector("gamma", gamma, c), arguments.as_vector("beta", beta, c)
    return _core.batch_norm_inference(x, gamma, beta, mean, variance, _epsilon(epsilon))


def batch_normalization_backward(
    dy: ArrayLike,
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    *,
    epsilon: float = 1e-3,
) -> tuple[F32, F32, F32]:
    """Gradients of `batch_normalization`, through mean and variance too.

    Args:
        dy: Gradient of y, shaped as x.
        x: (n, ..., c), as given to `batch_normalization`.
        mean: (c,), as returned by it.
        variance: (c,), as returned by it.
        gamma: Scale (c,), or None for 1.
        epsilon: As given to it.

    Returns:
        dx, dgamma and dbeta, shaped as x, (c,) and (c,).

    Raises:
        ValueError: Shapes that do not fit, no rows, a negative variance or epsilon.
        TypeError: Arrays that are not real numbers.

    Source: Ioffe and Szegedy, arXiv:1502.03167, section 3.

    >>> from pycnn import ops
    >>> x = [[1.0], [3.0]]
    >>> _, mean, variance = ops.batch_normalization(x)
    >>> dx, dgamma, dbeta = ops.batch_normalization_backward([[1.0], [1.0]], x, mean, variance)
    >>> dx.tolist(), dgamma.tolist(), dbeta.tolist()
    ([[0.0], [0.0]], [0.0], [2.0])
    """
    x = _rows("x", x)
    if x.size == 0:
        raise ValueError(f"x has shape {x.shape}; mean and variance need at least one row")
    c = x.shape[-1]
    dy = arguments.as_gradient(dy, x.shape)
    mean, variance = _statistic("mean", mean, c), _statistic("variance", variance, c)
    if (variance < 0).any():
        raise ValueError(f"variance holds {variance.min()}; expected no negative number")
    gamma = arguments.as_vector("gamma", gamma, c)
    return _core.batch_norm_backward(x, dy, gamma, mean, variance, _epsilon(epsilon))
