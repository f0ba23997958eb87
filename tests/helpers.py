"""What the tests share: tolerances, comparison, central differences and arrays to compute with."""

import math

import numpy as np

EPS = float(np.finfo(np.float32).eps)

# Where vectors of 4, 8 or 16 floats have their tails, and a prime.
WIDTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33)


def tolerance(terms, magnitude):
    """How far a float32 sum of `terms` terms may be from the exact one, whose typical size is `magnitude`.

    Rounding errors of eps/2 of the partial sums add up like a random walk, to a standard deviation of
    0.2 eps sqrt(terms) magnitude; the largest of very many results lies within six of them. Allowed: 20.
    """
    return 4.0 * EPS * math.sqrt(max(terms, 1)) * magnitude


def assert_close(actual, expected, terms=1, unit=1.0):
    """actual (float32) is `expected`, sums of `terms` terms of size `unit` each."""
    assert actual.dtype == np.float32
    assert actual.shape == expected.shape
    atol = tolerance(terms, unit * math.sqrt(max(terms, 1)))
    np.testing.assert_allclose(actual, expected, rtol=4.0 * EPS, atol=atol)


def normal(rng, *shape):
    """Standard normal float32 numbers."""
    return rng.standard_normal(shape, dtype=np.float32)


def small_integers(rng, *shape, low=-2, high=2):
    """Integers as float32: sums of their products are exact, and equal values (ties) are frequent."""
    return rng.integers(low, high, shape, endpoint=True).astype(np.float32)


def double(*arrays):
    """The arrays as float64, None staying None."""
    return tuple(None if a is None else np.asarray(a, np.float64) for a in arrays)


def central_differences(f, x, step=1e-5):
    """d f(x) / dx of a scalar function by central differences, x in float64."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        shifted = x.copy()
        shifted[place] = x[place] + step
        above = f(shifted)
        shifted[place] = x[place] - step
        gradient[place] = (above - f(shifted)) / (2.0 * step)
    return gradient


def assert_gradient(f, x, gradient, step=1e-5):
    """`gradient` is the derivative of the scalar f at x, all in float64."""
    expected = central_differences(f, x, step)
    np.testing.assert_allclose(
        gradient, expected, rtol=1e-5, atol=1e-6 * max(1.0, np.abs(expected).max(initial=0.0))
    )
