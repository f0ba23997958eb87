"""Batch normalization over the last axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn import _core
from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_float32

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


def batch_normalization(
    x: ArrayLike, gamma: ArrayLike | None = None, beta: ArrayLike | None = None, *, epsilon: float = 1e-3
) -> tuple[F32, F32, F32]:
    """Batch normalization as in training: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.

    Mean and (biased) variance are those of x over all axes but the last.

    Args:
        x: (n, ..., c), at least one row.
        gamma: Scale (c,), or None for 1.
        beta: Shift (c,), or None for 0.
        epsilon: Keeps the root from zero.

    Returns:
        y, shaped as x, mean (c,) and variance (c,), float32.

    Raises:
        ValueError: Shapes that do not fit, no rows to take statistics of, a negative epsilon.
        TypeError: Arrays that are not real numbers.

    Source: Ioffe and Szegedy, Batch normalization, arXiv:1502.03167, algorithm 1.

    >>> from pycnn import ops
    >>> y, mean, variance = ops.batch_normalization([[1.0], [3.0]], epsilon=0.0)
    >>> y.tolist(), mean.tolist(), variance.tolist()
    ([[-1.0], [1.0]], [2.0], [1.0])
    """
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
