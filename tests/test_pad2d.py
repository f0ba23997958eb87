"""Padding against the float64 reference, on every ISA."""

import numpy as np
import pytest
import reference
from helpers import WIDTHS, assert_gradient, double, small_integers

from pycnn import ops

MODES = ("constant", "reflect", "edge")


def check(rng, shape, padding, mode):
    x = small_integers(rng, *shape)
    sides = (padding[0], padding[1]), (padding[2], padding[3])
    y = ops.pad2d(x, sides, mode=mode, value=0.5)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, reference.pad2d(x, padding, mode, 0.5))
    dy = small_integers(rng, *y.shape)
    dx = ops.pad2d_backward(dy, sides, mode=mode)
    np.testing.assert_array_equal(dx, reference.pad2d_backward(*double(dy), padding, mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", WIDTHS)
def test_channels_around_the_vector_width(isa, rng, mode, channels):
    check(rng, (2, 4, 3, channels), (1, 3, 2, 1), mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 3, 0), (4, 4, 5, 5)])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_sides(isa, rng, mode, padding, batch):
    check(rng, (batch, 5, 6, 3), padding, mode)


@pytest.mark.parametrize("mode", ["constant", "edge"])
def test_more_than_the_image(isa, rng, mode):
    check(rng, (2, 1, 1, 3), (2, 3, 4, 5), mode)
    check(rng, (2, 2, 3, 3), (7, 0, 0, 9), mode)


def test_defaults_are_zeros(isa):
    np.testing.assert_array_equal(ops.pad2d(np.ones((1, 1, 1, 1)), 1)[0, :, :, 0], np.diag([0, 1, 0]))


@pytest.mark.parametrize("mode", MODES)
def test_reference_backward(rng, mode):
    padding = (1, 2, 0, 3)
    x = rng.standard_normal((2, 3, 4, 2))
    dy = rng.standard_normal(reference.pad2d(x, padding, mode).shape)
    dx = reference.pad2d_backward(dy, padding, mode)
    assert_gradient(lambda x: (reference.pad2d(x, padding, mode) * dy).sum(), x, dx)


@pytest.mark.parametrize(
    ("padding", "options", "message"),
    [
        (-1, {}, "padding is -1"),
        ("same", {}, "padding is 'same'"),
        (1, {"mode": "wrap"}, "mode is 'wrap'"),
        (1, {"mode": "constant", "value": np.inf}, "value is inf"),
        ((2, 0), {"mode": "reflect"}, "too large"),
        ((0, 3), {"mode": "reflect"}, "too large"),
    ],
)
def test_bad_values(padding, options, message):
    with pytest.raises(ValueError, match=message):
        ops.pad2d(np.zeros((1, 2, 3, 1)), padding, **options)


def test_bad_gradients():
    with pytest.raises(ValueError, match="no more than the padding"):
        ops.pad2d_backward(np.zeros((1, 2, 3, 1)), 1)
    with pytest.raises(ValueError, match="too large"):
        ops.pad2d_backward(np.zeros((1, 5, 9, 1)), 2, mode="reflect")
    with pytest.raises(TypeError, match=r"padding is 1\.0"):
        ops.pad2d_backward(np.zeros((1, 5, 9, 1)), 1.0)
