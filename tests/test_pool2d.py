"""Pooling against the float64 reference, on every ISA."""

import math

import numpy as np
import pytest
import reference
from helpers import WIDTHS, assert_close, assert_gradient, double, normal, small_integers
from hypothesis import given, settings
from hypothesis import strategies as st

from pycnn import ops


def check(rng, x_shape, pool_size, strides, padding=(0, 0, 0, 0)):
    """Maximum and average, forward and backward, of one shape are what the reference says."""
    given_padding = (padding[0], padding[1]), (padding[2], padding[3])
    options = {"strides": strides, "padding": given_padding}
    x = small_integers(rng, *x_shape)  # many ties
    y = ops.max_pool2d(x, pool_size, **options)
    dy = small_integers(rng, *y.shape, low=-9, high=9)
    np.testing.assert_array_equal(y, reference.max_pool2d(x, pool_size, strides, padding))
    np.testing.assert_array_equal(
        ops.max_pool2d_backward(dy, x, pool_size, **options),
        reference.max_pool2d_backward(*double(x, dy), pool_size, strides, padding),
    )
    x, dy = normal(rng, *x_shape), normal(rng, *y.shape)
    x64, dy64 = double(x, dy)
    for count in (False, True):
        mean = ops.average_pool2d(x, pool_size, count_padding=count, **options)
        dx = ops.average_pool2d_backward(dy, x, pool_size, count_padding=count, **options)
        expected = reference.average_pool2d(x64, pool_size, strides, padding, count)
        assert_close(mean, expected, terms=math.prod(pool_size), unit=1 / math.sqrt(math.prod(pool_size)))
        expected = reference.average_pool2d_backward(dy64, x_shape, pool_size, strides, padding, count)
        assert_close(dx, expected, terms=math.prod(pool_size))


@pytest.mark.parametrize("channels", WIDTHS)
@pytest.mark.parametrize("pool_size", [(2, 2), (3, 3), (1, 2)])
def test_channels_around_the_vector_width(isa, rng, channels, pool_size):
    check(rng, (2, 7, 6, channels), pool_size, pool_size)


@pytest.mark.parametrize("pool_size", [(1, 1), (2, 2), (3, 2), (1, 5), (7, 11)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 1), (8, 9)])
def test_windows_and_strides(isa, rng, pool_size, strides):
    check(rng, (2, 11, 13, 3), pool_size, strides)


@pytest.mark.parametrize("padding", [(1, 1, 1, 1), (0, 1, 2, 0), (2, 2, 2, 2), (0, 2, 0, 1)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize("channels", [1, 17])
def test_padding(isa, rng, padding, strides, channels):
    check(rng, (2, 5, 6, channels), (3, 3), strides, padding)


@pytest.mark.parametrize("batch", [0, 1, 2, 33])
def test_batch_sizes(isa, rng, batch):
    check(rng, (batch, 5, 4, 3), (2, 2), (2, 2))


def test_image_of_one_pixel(isa, rng):
    check(rng, (2, 1, 1, 5), (1, 1), (1, 1))
    check(rng, (2, 1, 1, 5), (3, 3), (2, 2), (1, 1, 1, 1))


@settings(max_examples=200)
@given(data=st.data())
def test_any_shape(isa, data):
    pool_size = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    strides = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    padding = [data.draw(st.integers(0, size - 1)) for size in pool_size for _ in range(2)]
    h, w = (
        max(1, pool_size[axis] - padding[2 * axis] - padding[2 * axis + 1]) + data.draw(st.integers(0, 9))
        for axis in (0, 1)
    )
    shape = data.draw(st.integers(0, 3)), h, w, data.draw(st.integers(1, 35))
    check(np.random.default_rng(data.draw(st.integers(0, 2**32))), shape, pool_size, strides, tuple(padding))


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7])
@pytest.mark.parametrize("pool_size", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding(rng, size, pool_size, stride):
    x = small_integers(rng, 1, size, size, 2)
    widths = reference.same_padding(size, pool_size, stride)
    for pool in (ops.max_pool2d, ops.average_pool2d):
        y = pool(x, pool_size, strides=stride, padding="same")
        assert y.shape == (1, math.ceil(size / stride), math.ceil(size / stride), 2)
        np.testing.assert_array_equal(y, pool(x, pool_size, strides=stride, padding=(widths, widths)))


def test_strides_are_the_window_unless_given(rng):
    x = small_integers(rng, 1, 7, 7, 2)
    np.testing.assert_array_equal(ops.max_pool2d(x, (3, 2)), ops.max_pool2d(x, (3, 2), strides=(3, 2)))


def test_average_counts_padding_only_when_asked(isa):
    x = np.ones((1, 2, 2, 1))
    np.testing.assert_array_equal(ops.average_pool2d(x, 2, strides=1, padding=1)[0, 0, 0], [1.0])
    y = ops.average_pool2d(x, 2, strides=1, padding=1, count_padding=True)
    np.testing.assert_array_equal(y[0, :, :, 0], [[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]])


@pytest.mark.parametrize("channels", [1, 17])
def test_padding_never_wins(isa, channels):
    x = np.full((1, 3, 3, channels), -7.0)
    np.testing.assert_array_equal(ops.max_pool2d(x, 3, strides=1, padding=1), x)
    np.testing.assert_array_equal(
        ops.max_pool2d(x, 3, strides=1, padding=2), np.full((1, 5, 5, channels), -7.0)
    )


@pytest.mark.parametrize("channels", [1, 17])
def test_first_of_equals_takes_the_gradient(isa, channels):
    dx = ops.max_pool2d_backward(np.ones((1, 2, 2, channels)), np.zeros((1, 4, 4, channels)), 2)
    np.testing.assert_array_equal(dx[0, :, :, 0], [[1, 0, 1, 0], [0] * 4, [1, 0, 1, 0], [0] * 4])
    assert (dx == dx[..., :1]).all()


@pytest.mark.parametrize("channels", [1, 17])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_nan_wins_and_infinity_passes(isa, channels, place):
    x = np.zeros((1, 2, 2, channels), np.float32)
    x.reshape(4, channels)[place] = np.nan
    assert np.isnan(ops.max_pool2d(x, 2)).all()
    assert np.isnan(ops.average_pool2d(x, 2)).all()
    dx = ops.max_pool2d_backward(np.ones((1, 1, 1, channels)), x, 2).reshape(4, channels)
    np.testing.assert_array_equal(dx, np.eye(4)[place][:, np.newaxis].repeat(channels, axis=1))
    x.reshape(4, channels)[place] = np.inf
    assert (ops.max_pool2d(x, 2) == np.inf).all()
    x.reshape(4, channels)[:] = -np.inf
    assert (ops.max_pool2d(x, 2) == -np.inf).all()


@pytest.mark.parametrize("shape", [(3, 1, 1, 1), (2, 7, 5, 17), (0, 3, 3, 4), (1, 31, 33, 3)])
def test_global_pools(isa, rng, shape):
    n, h, w, c = shape
    x, dy = small_integers(rng, *shape), small_integers(rng, n, c, low=-9, high=9)
    window = (h, w), (h, w), (0, 0, 0, 0)
    x64, dy64 = double(x, dy.reshape(n, 1, 1, c))
    np.testing.assert_array_equal(ops.global_max_pool2d(x), x.reshape(n, h * w, c).max(axis=1))
    expected = reference.max_pool2d_backward(x64, dy64, *window)
    np.testing.assert_array_equal(ops.global_max_pool2d_backward(dy, x), expected)
    x = normal(rng, *shape)
    mean = ops.global_average_pool2d(x)
    assert_close(mean, x.mean(axis=(1, 2), dtype=float), terms=h * w, unit=1 / math.sqrt(h * w))
    expected = reference.average_pool2d_backward(dy64, shape, *window, False)
    assert_close(ops.global_average_pool2d_backward(dy, x), expected, unit=9 / (h * w))
    for pool in (ops.global_max_pool2d, ops.global_average_pool2d):
        assert pool(x, keepdims=True).shape == (n, 1, 1, c)
    for backward in (ops.global_max_pool2d_backward, ops.global_average_pool2d_backward):
        np.testing.assert_array_equal(backward(dy.reshape(n, 1, 1, c), x), backward(dy, x))


@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 0, 1, 2)])
def test_reference_backward(rng, padding):
    window = (3, 3), (2, 1), padding
    x = rng.permutation(2.0 * 5 * 6 * 3 * np.linspace(0, 1, 180)).reshape(2, 5, 6, 3)  # no ties
    dy = rng.standard_normal(reference.max_pool2d(x, *window).shape)
    dx = reference.max_pool2d_backward(x, dy, *window)
    assert_gradient(lambda x: (reference.max_pool2d(x, *window) * dy).sum(), x, dx)
    for count in (False, True):
        dx = reference.average_pool2d_backward(dy, x.shape, *window, count)
        assert_gradient(
            lambda x, count=count: (reference.average_pool2d(x, *window, count) * dy).sum(), x, dx
        )


X = np.zeros((1, 5, 5, 4))


@pytest.mark.parametrize("pool", [ops.max_pool2d, ops.average_pool2d])
@pytest.mark.parametrize(
    ("x", "pool_size", "options", "message"),
    [
        (X[0], 2, {}, "batch of images"),
        (X[:, :, :0], 2, {}, "at least one pixel"),
        (X, 0, {}, "pool_size is 0"),
        (X, (2, 2, 2), {}, "pool_size is"),
        (X, 6, {}, "pool_size 6x6 is larger than the padded image, 5x5"),
        (X, 2, {"strides": 0}, "strides is 0"),
        (X, 2, {"padding": -1}, "padding is -1"),
        (X, 2, {"padding": 2}, "nothing but padding"),
        (X, 2, {"padding": "SAME"}, "padding is 'SAME'"),
    ],
)
def test_bad_values(pool, x, pool_size, options, message):
    with pytest.raises(ValueError, match=message):
        pool(x, pool_size, **options)


def test_bad_gradients_and_types():
    for backward in (ops.max_pool2d_backward, ops.average_pool2d_backward):
        with pytest.raises(ValueError, match=r"dy has shape \(1, 1, 2, 4\); expected \(1, 2, 2, 4\)"):
            backward(X[:, :1, :2], X, 2)
        with pytest.raises(TypeError, match=r"pool_size is 2\.5"):
            backward(X[:, :2, :2], X, 2.5)
    for backward in (ops.global_max_pool2d_backward, ops.global_average_pool2d_backward):
        with pytest.raises(ValueError, match=r"dy has shape \(4,\); expected \(1, 4\)"):
            backward(np.zeros(4), X)
    with pytest.raises(TypeError, match="x has dtype complex128"):
        ops.global_max_pool2d(X.astype(complex))
