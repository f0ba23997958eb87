"""Convolutions against the float64 reference, on every ISA."""

import math

import numpy as np
import pytest
import reference
from helpers import WIDTHS, assert_close, assert_gradient, double, normal, small_integers
from hypothesis import given, settings
from hypothesis import strategies as st

from pycnn import ops

UNIT = (1, 1)

# Winograd's transforms (Lavin and Gray 2015) multiply numbers by powers of their points and cancel them
# again. With 7 or more points, those of F(5x5, 3x3), F(6x6, 3x3), F(4x4, 5x5) and F(4, 7), their errors have
# up to twelve times the deviation of those of direct sums (the worst tap of F(4, 7) up to thirty: no more
# than twelve are allowed here). cpp/tests/test_winograd.cpp derives the bound of each form.
TRANSFORMED = 12
SQUARES = ((3, 3), (5, 5))
LINES = ((1, 3), (3, 1), (1, 7), (7, 1))


def sides(padding):
    """(top, bottom, left, right) as the public functions take it."""
    return (padding[0], padding[1]), (padding[2], padding[3])


def check(rng, x_shape, w_shape, strides=UNIT, padding=(0, 0, 0, 0), value=0.0, dilation=UNIT, groups=1):
    """Forward and backward of one shape are what the reference says."""
    x, w, b = normal(rng, *x_shape), normal(rng, *w_shape), normal(rng, w_shape[3])
    options = {"strides": strides, "padding": sides(padding), "dilation_rate": dilation, "groups": groups}
    y = ops.conv2d(x, w, b, padding_value=value, **options)
    dy = normal(rng, *y.shape)
    dx, dw, db = ops.conv2d_backward(dy, x, w, padding_value=value, **options)

    x64, w64, b64, dy64 = double(x, w, b, dy)
    expected = reference.conv2d(x64, w64, b64, strides, padding, value, dilation, groups)
    gradients = reference.conv2d_backward(x64, w64, dy64, strides, padding, value, dilation, groups)
    size, taps, places = max(1.0, abs(value)), w_shape[0] * w_shape[1], math.prod(y.shape[:3])
    may_transform = (*strides, *dilation, groups) == (1, 1, 1, 1, 1) and min(w_shape[2:]) >= 16
    growth = TRANSFORMED if may_transform and w_shape[:2] in SQUARES + LINES else 1
    assert_close(y, expected, terms=taps * w_shape[2] + 1, unit=size * growth)
    assert_close(dx, gradients[0], terms=taps * w_shape[3] // groups, unit=growth)
    assert_close(dw, gradients[1], terms=places, unit=size * growth)
    assert_close(db, gradients[2], terms=places)


@pytest.mark.parametrize("channels", WIDTHS)
@pytest.mark.parametrize("filters", WIDTHS)
def test_channels_around_the_vector_width(isa, rng, channels, filters):
    check(rng, (2, 5, 6, channels), (3, 3, channels, filters))


@pytest.mark.parametrize("filters", [47, 48, 49, 63, 64, 65, 97])
@pytest.mark.parametrize("kernel", [1, 3])
def test_many_filters(isa, rng, kernel, filters):
    check(rng, (1, 5, 9, 19), (kernel, kernel, 19, filters))


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 27, 28, 29, 43])
@pytest.mark.parametrize("channels", [1, 5, 16])
def test_widths_of_the_image(isa, rng, width, channels):
    check(rng, (1, 3, width, channels), (2, 1, channels, 17))


@pytest.mark.parametrize(
    ("size", "kernel"),
    [
        ((28, 28, 1), (3, 3, 64)),
        ((13, 13, 64), (3, 3, 64)),
        ((35, 37, 3), (7, 7, 33)),
        ((17, 17, 32), (1, 7, 32)),
        ((17, 15, 33), (7, 1, 40)),
        ((8, 8, 48), (1, 3, 32)),
        ((8, 9, 32), (3, 1, 49)),
    ],
)
def test_layers_of_real_networks(isa, rng, size, kernel):
    check(rng, (3, *size), (*kernel[:2], size[2], kernel[2]))


@pytest.mark.parametrize("size", [(3, 3), (4, 5), (6, 6), (7, 9), (13, 14), (18, 17)])
@pytest.mark.parametrize(("channels", "filters"), [(16, 16), (17, 33), (64, 64), (130, 20), (20, 130)])
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 1, 1, 1), (2, 0, 1, 2)])
def test_many_channels(isa, rng, size, channels, filters, padding):
    """Where an algorithm that works on tiles of the map pays."""
    check(rng, (3, *size, channels), (3, 3, channels, filters), UNIT, padding, 0.0 if padding[0] else 0.5)


@pytest.mark.parametrize("kernel", [(1, 1), (1, 7), (7, 1), (2, 3), (3, 2), (5, 5), (4, 4), (11, 11)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (1, 3), (4, 2)])
def test_kernels_and_strides(isa, rng, kernel, strides):
    check(rng, (2, 13, 12, 3), (*kernel, 3, 9), strides)


@pytest.mark.parametrize("strides", [(3, 3), (5, 4), (20, 20)])
def test_stride_larger_than_kernel(isa, rng, strides):
    check(rng, (2, 13, 11, 5), (2, 2, 5, 17), strides)
    check(rng, (2, 13, 11, 5), (1, 1, 5, 17), strides)


@pytest.mark.parametrize("dilation", [(2, 2), (1, 3), (4, 1)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize("channels", [1, 17])
def test_dilation(isa, rng, dilation, strides, channels):
    check(rng, (2, 11, 13, channels), (3, 3, channels, 7), strides, (1, 0, 2, 3), 0.5, dilation)


@pytest.mark.parametrize(
    ("channels", "filters", "groups"),
    [
        (2, 2, 2),
        (4, 6, 2),
        (6, 9, 3),
        (34, 32, 2),
        (32, 34, 2),
        (15, 15, 15),
        (16, 48, 16),
        (33, 33, 33),
        (5, 85, 5),
    ],
)
@pytest.mark.parametrize("strides", [(1, 1), (2, 1)])
def test_groups(isa, rng, channels, filters, groups, strides):
    check(
        rng,
        (2, 6, 7, channels),
        (3, 2, channels // groups, filters),
        strides,
        (1, 1, 0, 1),
        -1.5,
        UNIT,
        groups,
    )


@pytest.mark.parametrize("padding", [(1, 1, 1, 1), (0, 2, 1, 0), (3, 0, 0, 4), (5, 6, 7, 8)])
@pytest.mark.parametrize("value", [0.0, 1.0, -2.5])
@pytest.mark.parametrize("channels", [1, 3, 18])
def test_padding_and_its_value(isa, rng, padding, value, channels):
    check(rng, (2, 4, 5, channels), (3, 3, channels, 8), (1, 1), padding, value)
    check(rng, (2, 4, 5, channels), (3, 3, channels, 8), (2, 3), padding, value)


@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("channels", [1, 2, 16])
def test_image_of_one_pixel(isa, rng, padding, channels):
    kernel = 2 * padding + 1
    check(rng, (3, 1, 1, channels), (kernel, kernel, channels, 15), UNIT, (padding,) * 4, 0.25)


@pytest.mark.parametrize("batch", [0, 1, 2, 33])
@pytest.mark.parametrize("groups", [1, 3])
def test_batch_sizes(isa, rng, batch, groups):
    check(rng, (batch, 4, 4, 3), (3, 3, 3 // groups, 6), groups=groups)


@settings(max_examples=200)
@given(data=st.data())
def test_any_shape(isa, data):
    def axes(low, high):
        return data.draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    kernel, strides, dilation = axes(1, 4), axes(1, 4), axes(1, 3)
    padding = (*axes(0, 3), *axes(0, 3))
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    least = [max(1, extent[0] - sum(padding[:2])), max(1, extent[1] - sum(padding[2:]))]
    size = [low + data.draw(st.integers(0, 9)) for low in least]
    groups = data.draw(st.integers(1, 4))
    channels, filters = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 19)) * groups
    value = data.draw(st.sampled_from([0.0, 0.75]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    check(
        rng,
        (data.draw(st.integers(0, 3)), *size, channels * groups),
        (*kernel, channels, filters),
        strides,
        padding,
        value,
        dilation,
        groups,
    )


@pytest.mark.parametrize("multiplier", [1, 2, 3, 17])
@pytest.mark.parametrize("channels", [1, 3, 8, 16, 17, 33])
def test_depthwise(isa, rng, channels, multiplier):
    x, w = normal(rng, 2, 7, 6, channels), normal(rng, 3, 2, channels, multiplier)
    b = normal(rng, channels * multiplier)
    arguments = ((2, 1), (1, 0, 2, 1), -0.5, (1, 2))
    options = {"strides": (2, 1), "padding": ((1, 0), (2, 1)), "padding_value": -0.5, "dilation_rate": (1, 2)}
    y = ops.depthwise_conv2d(x, w, b, **options)
    dy = normal(rng, *y.shape)
    dx, dw, db = ops.depthwise_conv2d_backward(dy, x, w, **options)
    x64, w64, b64, dy64 = double(x, w, b, dy)
    gradients = reference.depthwise_conv2d_backward(x64, w64, dy64, *arguments)
    assert_close(y, reference.depthwise_conv2d(x64, w64, b64, *arguments), terms=7)
    assert_close(dx, gradients[0], terms=6 * multiplier)
    assert_close(dw, gradients[1], terms=math.prod(y.shape[:3]))
    assert_close(db, gradients[2], terms=math.prod(y.shape[:3]))


def test_depthwise_is_a_convolution_in_groups(isa, rng):
    x, w = small_integers(rng, 2, 5, 5, 4), small_integers(rng, 3, 3, 4, 3)
    grouped = ops.conv2d(x, w.reshape(3, 3, 1, 12), groups=4)
    np.testing.assert_array_equal(ops.depthwise_conv2d(x, w), grouped)


@pytest.mark.parametrize("mode", ["reflect", "edge"])
@pytest.mark.parametrize("padding", ["same", 2, (0, 1), ((1, 2), (0, 3))])
def test_padding_modes(isa, rng, mode, padding):
    x, w, b = normal(rng, 2, 5, 6, 3), normal(rng, 3, 4, 3, 5), normal(rng, 5)
    y = ops.conv2d(x, w, b, padding=padding, padding_mode=mode)
    dy = normal(rng, *y.shape)
    dx, dw, _ = ops.conv2d_backward(dy, x, w, padding=padding, padding_mode=mode)
    widths = {"same": (1, 1, 1, 2), 2: (2, 2, 2, 2), (0, 1): (0, 0, 1, 1), ((1, 2), (0, 3)): (1, 2, 0, 3)}[
        padding
    ]
    x64, w64, b64, dy64 = double(x, w, b, dy)
    plain = (UNIT, (0, 0, 0, 0), 0.0, UNIT, 1)
    padded = reference.pad2d(x64, widths, mode)
    dpadded, dw64, _ = reference.conv2d_backward(padded, w64, dy64, *plain)
    assert_close(y, reference.conv2d(padded, w64, b64, *plain), terms=37)
    assert_close(dx, reference.pad2d_backward(dpadded, widths, mode), terms=60 * 9)
    assert_close(dw, dw64, terms=math.prod(y.shape[:3]))


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
def test_no_padding_is_the_same_in_every_mode(isa, rng, mode):
    x, w = normal(rng, 2, 5, 6, 3), normal(rng, 3, 4, 3, 5)
    np.testing.assert_array_equal(ops.conv2d(x, w, padding_mode=mode), ops.conv2d(x, w))


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding(rng, size, kernel, stride):
    x, w = small_integers(rng, 1, size, size, 1), small_integers(rng, kernel, kernel, 1, 1)
    widths = reference.same_padding(size, kernel, stride)
    y = ops.conv2d(x, w, strides=stride, padding="same")
    assert y.shape == (1, math.ceil(size / stride), math.ceil(size / stride), 1)
    np.testing.assert_array_equal(y, ops.conv2d(x, w, strides=stride, padding=(widths, widths)))


def test_padding_spelled_in_every_way(rng):
    x, w = small_integers(rng, 1, 5, 5, 2), small_integers(rng, 3, 3, 2, 3)
    expected = ops.conv2d(x, w, padding=((1, 1), (2, 2)))
    for padding in [(1, 2), [1, 2], np.array([1, 2]), ([1, 1], (2, 2)), np.array([[1, 1], [2, 2]])]:
        np.testing.assert_array_equal(ops.conv2d(x, w, padding=padding), expected)
    np.testing.assert_array_equal(ops.conv2d(x, w, padding=np.int64(1)), ops.conv2d(x, w, padding="same"))


def test_activation(isa, rng):
    x, w, b = normal(rng, 2, 5, 5, 2), normal(rng, 3, 3, 2, 4), normal(rng, 4)
    y = ops.conv2d(x, w, b)
    np.testing.assert_array_equal(ops.conv2d(x, w, b, activation="relu"), np.maximum(y, 0))
    np.testing.assert_array_equal(ops.conv2d(x, w, b, activation=ops.tanh), ops.tanh(y))
    np.testing.assert_array_equal(
        ops.depthwise_conv2d(x, w, activation=np.abs), np.abs(ops.depthwise_conv2d(x, w))
    )


def test_nan_and_infinity_stay_in_their_windows(isa):
    x = np.ones((1, 6, 6, 2), np.float32)
    x[0, 0, 0, 0], x[0, 5, 5, 1] = np.nan, np.inf
    y = ops.conv2d(x, np.ones((3, 3, 2, 17)))
    assert np.isnan(y[0, 0, 0]).all()
    assert (y[0, 3, 3] == np.inf).all()
    assert np.isfinite(y).sum() == y.size - 2 * 17


@pytest.mark.parametrize("groups", [1, 2])
def test_reference_backward(rng, groups):
    arguments = ((2, 1), (1, 0, 2, 1), 0.75, (1, 2), groups)
    x, w, b = (rng.standard_normal(shape) for shape in [(2, 4, 5, 2), (2, 3, 2 // groups, 4), (4,)])
    dy = rng.standard_normal(reference.conv2d(x, w, b, *arguments).shape)
    dx, dw, db = reference.conv2d_backward(x, w, dy, *arguments)
    assert_gradient(lambda x: (reference.conv2d(x, w, b, *arguments) * dy).sum(), x, dx)
    assert_gradient(lambda w: (reference.conv2d(x, w, b, *arguments) * dy).sum(), w, dw)
    assert_gradient(lambda b: (reference.conv2d(x, w, b, *arguments) * dy).sum(), b, db)


def test_reference_depthwise_backward(rng):
    arguments = ((2, 1), (1, 0, 2, 1), 0.75, (1, 2))
    x, w, b = (rng.standard_normal(shape) for shape in [(2, 4, 5, 2), (2, 3, 2, 3), (6,)])
    dy = rng.standard_normal(reference.depthwise_conv2d(x, w, b, *arguments).shape)
    dx, dw, db = reference.depthwise_conv2d_backward(x, w, dy, *arguments)
    assert_gradient(lambda x: (reference.depthwise_conv2d(x, w, b, *arguments) * dy).sum(), x, dx)
    assert_gradient(lambda w: (reference.depthwise_conv2d(x, w, b, *arguments) * dy).sum(), w, dw)
    assert_gradient(lambda b: (reference.depthwise_conv2d(x, w, b, *arguments) * dy).sum(), b, db)


def test_reference_on_a_case_done_by_hand():
    x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    w = np.array([[1.0, 0.0], [0.0, -1.0]]).reshape(2, 2, 1, 1)
    y = reference.conv2d(x, w, np.array([10.0]), UNIT, (0, 0, 0, 0), 0.0, UNIT, 1)
    np.testing.assert_array_equal(y[0, :, :, 0], [[6.0, 6.0], [6.0, 6.0]])
    y = reference.conv2d(x, w, None, UNIT, (1, 0, 1, 0), 100.0, UNIT, 1)
    np.testing.assert_array_equal(y[0, :, :, 0], [[99.0, 98.0, 97.0], [96.0, -4.0, -4.0], [93.0, -4.0, -4.0]])


X, W = np.zeros((1, 5, 5, 4)), np.zeros((3, 3, 4, 6))


@pytest.mark.parametrize(
    ("x", "w", "options", "message"),
    [
        (X[0], W, {}, r"x\[None\]"),
        (X[0, :, :, 0], W, {}, r"x\[None, :, :, None\]"),
        (X[:, :0], W, {}, "at least one pixel"),
        (X[..., :3], W, {}, r"w has shape \(3, 3, 4, 6\)"),
        (X, W[0], {}, "w has shape"),
        (X, W[..., :0], {}, "at least 1"),
        (X, W, {"b": np.zeros(5)}, r"b has shape \(5,\)"),
        (X, W, {"groups": 4}, "groups is 4"),
        (X, W[:, :, :2], {"groups": 3}, "groups is 3"),
        (X, W, {"groups": 0}, "groups is 0"),
        (X, np.zeros((6, 3, 4, 6)), {}, "larger than the padded image, 5x5"),
        (X, W, {"dilation_rate": 3}, "dilated to 7x7"),
        (X, W, {"strides": 0}, "strides is 0"),
        (X, W, {"strides": (1, -1)}, "strides is -1"),
        (X, W, {"strides": (1, 1, 1)}, "strides is"),
        (X, W, {"dilation_rate": 0}, "dilation_rate is 0"),
        (X, W, {"padding": -1}, "padding is -1"),
        (X, W, {"padding": ((0, -1), (0, 0))}, r"padding\[0\] is -1"),
        (X, W, {"padding": "full"}, "padding is 'full'"),
        (X, W, {"padding": (1, 2, 3)}, "padding is"),
        (X, W, {"padding_value": np.nan}, "padding_value is nan"),
        (X, W, {"padding_mode": "wrap"}, "padding_mode is 'wrap'"),
        (X, W, {"padding": 5, "padding_mode": "reflect"}, "too large"),
        (X, W, {"activation": "rectify"}, "activation is 'rectify'"),
    ],
)
def test_bad_values(x, w, options, message):
    with pytest.raises(ValueError, match=message):
        ops.conv2d(x, w, **options)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (X.astype(complex), {}, "x has dtype complex128"),
        (X.astype(object), {}, "x has dtype object"),
        (X.astype(str), {}, "x has dtype"),
        (X, {"strides": 1.0}, "strides is 1.0"),
        (X, {"strides": True}, "strides is True"),
        (X, {"groups": None}, "groups is None"),
        (X, {"padding": 0.5}, "padding is 0.5"),
        (X, {"padding_value": "1"}, "padding_value is '1'"),
        (X, {"activation": 3}, "activation is 3"),
    ],
)
def test_bad_types(x, options, message):
    with pytest.raises(TypeError, match=message):
        ops.conv2d(x, W, **options)


def test_gradient_of_a_wrong_shape():
    with pytest.raises(ValueError, match=r"dy has shape \(1, 3, 3, 5\); expected \(1, 3, 3, 6\)"):
        ops.conv2d_backward(np.zeros((1, 3, 3, 5)), X, W)
    with pytest.raises(ValueError, match=r"w has shape \(3, 3, 5, 1\)"):
        ops.depthwise_conv2d(X, np.zeros((3, 3, 5, 1)))
