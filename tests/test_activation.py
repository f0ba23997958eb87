"""Activations and their derivatives against float64, on every ISA."""

import math

import numpy as np
import pytest
import reference
from helpers import EPS, WIDTHS, assert_gradient, normal, small_integers

from pycnn import ops

# name of the function in ops, its arguments, name in the reference, its arguments
CASES = [
    ("linear", {}, "linear", {}),
    ("relu", {}, "relu", {}),
    ("relu", {"max_value": 6.0}, "relu", {"max_value": 6.0}),
    (
        "relu",
        {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5},
        "relu",
        {"alpha": 0.1, "max_value": 2.0, "threshold": 0.5},
    ),
    ("leaky_relu", {}, "leaky_relu", {"alpha": 0.2}),
    ("leaky_relu", {"negative_slope": 0.03}, "leaky_relu", {"alpha": 0.03}),
    ("elu", {}, "elu", {"alpha": 1.0}),
    ("elu", {"alpha": 0.7}, "elu", {"alpha": 0.7}),
    ("selu", {}, "selu", {}),
    ("gelu", {}, "gelu", {}),
    ("gelu", {"approximate": True}, "gelu_tanh", {}),
    ("silu", {}, "silu", {}),
    ("swish", {}, "silu", {}),
    ("sigmoid", {}, "sigmoid", {}),
    ("tanh", {}, "tanh", {}),
    ("softplus", {}, "softplus", {}),
    ("softsign", {}, "softsign", {}),
    ("hard_sigmoid", {}, "hard_sigmoid", {}),
    ("hard_silu", {}, "hard_silu", {}),
    ("hard_swish", {}, "hard_silu", {}),
    ("mish", {}, "mish", {}),
    ("exponential", {}, "exponential", {}),
]
IDS = [f"{name}-{'-'.join(options)}".strip("-") for name, options, _, _ in CASES]

# Values of every size and sign, the neighbourhoods of all kinks, and more than one vector of each.
MAGNITUDES = np.logspace(-30, 1.9, 500)
POINTS = np.concatenate([-MAGNITUDES, MAGNITUDES, np.linspace(-9, 9, 4001) + 1e-3]).astype(np.float32)

# Products of up to four elementary functions of at most 4 ulp each; below TINY numbers lose digits.
ULPS = 16
TINY = float(np.finfo(np.float32).tiny)

# The end of a cancellation: 1 + erf and 1 + tanh far left of zero, x / 6 + 1/2 near -3.
CANCELLING = ("gelu", "gelu_tanh", "hard_sigmoid", "hard_silu")


def assert_ulps(actual, expected, unit=0.0):
    """Relative error of ULPS units, or that of `unit` where terms of that size cancel."""
    assert actual.dtype == np.float32
    excess = np.abs(actual - expected) / (ULPS * EPS * (np.abs(expected) + unit) + 2 * TINY)
    worst = np.nanargmax(excess)
    assert np.isfinite(actual).all()
    assert excess[worst] <= 1, f"f({POINTS[worst]!r}) = {actual[worst]!r}, expected {expected[worst]!r}"


@pytest.mark.parametrize(("name", "options", "kind", "parameters"), CASES, ids=IDS)
def test_against_the_reference(isa, name, options, kind, parameters):
    x64 = POINTS.astype(float)
    y = getattr(ops, name)(POINTS, **options)
    unit = np.minimum(np.abs(x64), 1.0) if kind in CANCELLING else 0.0
    assert_ulps(y, reference.activation(kind, x64, **parameters), unit)


@pytest.mark.parametrize(("name", "options", "kind", "parameters"), CASES, ids=IDS)
def test_backward_against_the_reference(isa, rng, name, options, kind, parameters):
    dy = normal(rng, POINTS.size)
    dx = getattr(ops, f"{name}_backward")(dy, POINTS, **options)
    expected = reference.activation_backward(kind, POINTS.astype(float), dy.astype(float), **parameters)
    assert_ulps(dx, expected, unit=np.abs(dy))


@pytest.mark.parametrize("size", [0, *WIDTHS, 1000])
@pytest.mark.parametrize(("name", "options"), [case[:2] for case in CASES], ids=IDS)
def test_tails_of_vectors(isa, rng, size, name, options):
    """An element's value does not depend on where it stands."""
    x, dy = normal(rng, size), normal(rng, size)
    forward, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
    alone = [forward(x[i : i + 1], **options)[0] for i in range(size)]
    np.testing.assert_array_equal(forward(x, **options), np.array(alone, np.float32))
    alone = [backward(dy[i : i + 1], x[i : i + 1], **options)[0] for i in range(size)]
    np.testing.assert_array_equal(backward(dy, x, **options), np.array(alone, np.float32))


@pytest.mark.parametrize(("name", "options"), [case[:2] for case in CASES], ids=IDS)
def test_nan_passes(isa, name, options):
    x = np.array([0.5, np.nan, -0.5] * 11, np.float32)
    y = getattr(ops, name)(x, **options)
    assert np.isnan(y[1::3]).all()
    assert np.isfinite(y[0::3]).all()
    dx = getattr(ops, f"{name}_backward")(np.full(33, np.nan), x, **options)
    assert np.isnan(dx[0::3]).all() or name in ("relu", "hard_sigmoid")  # 0 where the slope is 0 is right too


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("linear", -np.inf, np.inf),
        ("relu", 0.0, np.inf),
        ("leaky_relu", -np.inf, np.inf),
        ("elu", -1.0, np.inf),
        ("selu", -reference.SELU_SCALE * reference.SELU_ALPHA, np.inf),
        ("sigmoid", 0.0, 1.0),
        ("tanh", -1.0, 1.0),
        ("softplus", 0.0, np.inf),
        ("hard_sigmoid", 0.0, 1.0),
        ("exponential", 0.0, np.inf),
    ],
)
def test_infinities(isa, name, left, right):
    y = getattr(ops, name)(np.array([-np.inf, np.inf] * 9))
    np.testing.assert_allclose(y[:2], [left, right], rtol=4 * EPS)
    np.testing.assert_array_equal(y, np.tile(y[:2], 9))


@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "hard_silu", "softplus", "sigmoid", "exponential"])
def test_far_left_is_zero_and_no_nan(isa, name):
    x = np.array([-50.0, -88.0, -104.0, -1e4, -3e38])
    assert np.isfinite(getattr(ops, name)(x)).all()
    np.testing.assert_allclose(getattr(ops, name)(x), 0.0, atol=1e-20)
    np.testing.assert_allclose(getattr(ops, f"{name}_backward")(np.ones(5), x), 0.0, atol=1e-19)


def test_slope_at_the_kink(isa):
    """That of the left side, as TensorFlow and PyTorch have it."""
    zeros, ones = np.zeros(17), np.ones(17)
    np.testing.assert_array_equal(ops.relu_backward(ones, zeros), zeros)
    np.testing.assert_array_equal(ops.leaky_relu_backward(ones, zeros, negative_slope=0.25), 0.25 * ones)
    np.testing.assert_array_equal(ops.relu_backward(ones, np.full(17, 6.0), max_value=6.0), zeros)


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (2, 3, 4, 5)])
def test_any_rank(isa, rng, shape):
    x = normal(rng, *shape)
    assert ops.relu(x).shape == shape
    assert ops.tanh_backward(x, x).shape == shape


@pytest.mark.parametrize("pieces", [1, 2, 3, 5])
@pytest.mark.parametrize("units", WIDTHS)
def test_maxout(isa, rng, pieces, units):
    x, dy = small_integers(rng, 3, 2, units * pieces), normal(rng, 3, 2, units)
    np.testing.assert_array_equal(ops.maxout(x, units), reference.maxout(x, pieces))
    expected = reference.maxout_backward(x, dy, pieces)
    np.testing.assert_array_equal(ops.maxout_backward(dy, x, units), expected)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_maxout_along_an_axis(rng, axis):
    x = small_integers(rng, 6, 6, 6)
    y = ops.maxout(x, 2, axis=axis)
    expected = np.moveaxis(reference.maxout(np.moveaxis(x, axis, -1), 3), -1, axis)
    np.testing.assert_array_equal(y, expected)
    dx = ops.maxout_backward(np.ones_like(y), x, 2, axis=axis)
    assert dx.shape == x.shape
    assert dx.sum() == y.size


def test_maxout_of_an_empty_batch(isa):
    assert ops.maxout(np.zeros((0, 6)), 2).shape == (0, 2)
    assert ops.maxout_backward(np.zeros((0, 2)), np.zeros((0, 6)), 2).shape == (0, 6)


@pytest.mark.parametrize(("name", "options", "kind", "parameters"), CASES, ids=IDS)
def test_reference_backward(rng, name, options, kind, parameters):
    x = np.linspace(-7.03, 7.01, 101)
    dy = rng.standard_normal(x.size)
    dx = reference.activation_backward(kind, x, dy, **parameters)
    assert_gradient(lambda x: (reference.activation(kind, x, **parameters) * dy).sum(), x, dx)


def test_reference_maxout_backward(rng):
    x, dy = rng.standard_normal((4, 6)), rng.standard_normal((4, 2))
    assert_gradient(lambda x: (reference.maxout(x, 3) * dy).sum(), x, reference.maxout_backward(x, dy, 3))


def test_reference_values():
    """Figures from tables, not from the code beside them."""
    for kind, x, value in [
        ("gelu", 1.0, 0.8413447460685429),
        ("gelu_tanh", 1.0, 0.8411919906082768),
        ("sigmoid", 1.0, 0.7310585786300049),
        ("softplus", 0.0, math.log(2.0)),
        ("mish", 1.0, 0.8650983882673103),
        ("selu", -1.0, -1.1113307378125628),
    ]:
        np.testing.assert_allclose(reference.activation(kind, np.array(x)), value, rtol=1e-12)


def test_bad_arguments():
    with pytest.raises(TypeError, match="x has dtype complex128"):
        ops.relu(np.zeros(3, complex))
    with pytest.raises(ValueError, match="x is not an array of numbers"):
        ops.relu([[1.0], [1.0, 2.0]])
    with pytest.raises(ValueError, match="negative_slope is nan"):
        ops.leaky_relu(np.zeros(3), np.nan)
    with pytest.raises(ValueError, match=r"dy has shape \(2,\); expected \(3,\)"):
        ops.relu_backward(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="num_units is 4; expected a divisor of the 6"):
        ops.maxout(np.zeros((2, 6)), 4)
    with pytest.raises(ValueError, match="axis is 2"):
        ops.maxout(np.zeros((2, 6)), 2, axis=2)
    with pytest.raises(ValueError, match="single number"):
        ops.maxout(1.0, 1)
