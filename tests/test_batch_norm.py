"""Batch normalization against float64, on every ISA."""

import math

import numpy as np
import pytest
import reference
from helpers import EPS, WIDTHS, assert_close, assert_gradient, double, normal

from pycnn import ops


def check(rng, shape, scaled=True, shifted=True, offset=0.0, epsilon=1e-3):
    c, rows = shape[-1], math.prod(shape[:-1])
    x, dy = normal(rng, *shape) + np.float32(offset), normal(rng, *shape)
    gamma, beta = normal(rng, c) if scaled else None, normal(rng, c) if shifted else None
    y, mean, variance = ops.batch_normalization(x, gamma, beta, epsilon=epsilon)
    dx, dgamma, dbeta = ops.batch_normalization_backward(dy, x, mean, variance, gamma, epsilon=epsilon)

    x64, dy64, gamma64, beta64 = double(x, dy, gamma, beta)
    expected, mean64, variance64 = reference.batch_norm(x64, gamma64, beta64, epsilon)
    gradients = reference.batch_norm_backward(x64, dy64, gamma64, mean64, variance64, epsilon)
    size = 1 + abs(offset)  # rounding the mean of large numbers costs their eps
    inverse = 1 / math.sqrt(variance64.min() + epsilon)
    assert_close(mean, mean64, terms=rows, unit=size / rows)
    assert_close(variance, variance64, terms=rows, unit=4 / rows * size)
    assert_close(y, expected, terms=rows, unit=8 * size * inverse / math.sqrt(rows))
    assert_close(dx, gradients[0], terms=rows, unit=32 * size * inverse**2 / math.sqrt(rows))
    assert_close(dgamma, gradients[1], terms=rows, unit=4 * size * inverse)
    assert_close(dbeta, gradients[2], terms=rows)
    inference = ops.batch_normalization_inference(x, mean, variance, gamma, beta, epsilon=epsilon)
    assert_close(inference, expected, terms=rows, unit=8 * size * inverse / math.sqrt(rows))


@pytest.mark.parametrize("channels", WIDTHS)
@pytest.mark.parametrize("rows", [2, 7, 130])
def test_channels_around_the_vector_width(isa, rng, channels, rows):
    check(rng, (rows, channels))


@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (1, 5, 7, 3), (3, 2, 2, 16), (2, 33, 31, 5), (4, 3, 2)])
def test_shapes(isa, rng, shape):
    check(rng, shape)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("shifted", [False, True])
def test_without_scale_or_shift(isa, rng, scaled, shifted):
    check(rng, (9, 2, 3, 5), scaled, shifted)


def test_numbers_far_from_zero(isa, rng):
    """Mean of squares minus square of mean would lose everything here."""
    check(rng, (50, 4, 4, 3), offset=1000.0)


def test_epsilon(isa, rng):
    check(rng, (40, 3), epsilon=1e-6)
    y, _, variance = ops.batch_normalization(np.full((5, 3), 7.0))
    np.testing.assert_array_equal(variance, np.zeros(3))
    np.testing.assert_allclose(y, np.zeros((5, 3)), atol=4 * EPS * 7 / math.sqrt(1e-3))


def test_normalized_numbers_have_mean_0_and_variance_1(isa, rng):
    y, _, _ = ops.batch_normalization(5 + 3 * normal(rng, 64, 3, 3, 17), epsilon=0.0)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2), dtype=float), 0.0, atol=64 * EPS)
    np.testing.assert_allclose(y.var(axis=(0, 1, 2), dtype=float), 1.0, atol=64 * EPS)


def test_empty_batches(isa):
    x, ones = np.zeros((0, 4, 4, 3)), np.ones(3)
    assert ops.batch_normalization_inference(x, ones, ones).shape == x.shape
    with pytest.raises(ValueError, match="at least one row"):
        ops.batch_normalization(x)
    with pytest.raises(ValueError, match="at least one row"):
        ops.batch_normalization_backward(x, x, ones, ones)


def test_nan_stays_in_its_channel(isa, rng):
    x = normal(rng, 6, 19)
    x[2, 5] = np.nan
    y, mean, variance = ops.batch_normalization(x)
    for result in (y[0], mean, variance):
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(result)), [5])


@pytest.mark.parametrize("shape", [(4, 3), (2, 2, 3, 2)])
def test_reference_backward(rng, shape):
    x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    gamma, beta = rng.standard_normal(shape[-1]), rng.standard_normal(shape[-1])

    def total(x, gamma, beta):
        return (reference.batch_norm(x, gamma, beta, 1e-3)[0] * dy).sum()

    _, mean, variance = reference.batch_norm(x, gamma, beta, 1e-3)
    dx, dgamma, dbeta = reference.batch_norm_backward(x, dy, gamma, mean, variance, 1e-3)
    assert_gradient(lambda x: total(x, gamma, beta), x, dx)
    assert_gradient(lambda gamma: total(x, gamma, beta), gamma, dgamma)
    assert_gradient(lambda beta: total(x, gamma, beta), beta, dbeta)


X, ONES = np.zeros((4, 3)), np.ones(3)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((ONES, ONES, ONES), {}, r"x has shape \(3,\)"),
        ((X, np.ones(4), ONES), {}, r"mean has shape \(4,\)"),
        ((X, ONES, -ONES), {}, "variance holds -1.0"),
        ((X, ONES, ONES, np.ones(2)), {}, r"gamma has shape \(2,\)"),
        ((X, ONES, ONES, None, np.ones(2)), {}, r"beta has shape \(2,\)"),
        ((X, ONES, ONES), {"epsilon": -1.0}, "epsilon is -1.0"),
        ((X, ONES, ONES), {"epsilon": np.nan}, "epsilon is nan"),
    ],
)
def test_bad_values(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        ops.batch_normalization_inference(*arguments, **options)


def test_bad_arguments():
    with pytest.raises(TypeError, match="mean is None"):
        ops.batch_normalization_inference(X, None, ONES)
    with pytest.raises(ValueError, match=r"dy has shape \(3, 3\); expected \(4, 3\)"):
        ops.batch_normalization_backward(X[:3], X, ONES, ONES)
