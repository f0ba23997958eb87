"""Softmax and the losses against float64, on every ISA."""

import math

import numpy as np
import pytest
import reference
from helpers import EPS, WIDTHS, assert_close, assert_gradient, double, normal

from pycnn import _core, ops

LOSSES = [
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "binary_crossentropy",
    "mean_squared_error",
]


def probabilities(rng, rows, columns):
    """Rows of sum 1, float32."""
    return reference.softmax(rng.standard_normal((rows, columns))).astype(np.float32)


def truth(rng, name, rows, columns):
    """What the loss is told: class numbers, distributions, or numbers from 0 to 1."""
    if name == "sparse_categorical_crossentropy":
        return rng.integers(0, columns, rows).astype(np.int32)
    return (
        probabilities(rng, rows, columns)
        if name == "categorical_crossentropy"
        else rng.random((rows, columns), dtype=np.float32)
    )


def core_loss(name, x, y, from_logits):
    labels, targets = (y, None) if y.dtype == np.int32 else (None, y)
    return _core.loss_forward_backward(name, x, labels, targets, from_logits)


@pytest.mark.parametrize("columns", [*WIDTHS, 10, 100, 1000])
@pytest.mark.parametrize("rows", [0, 1, 5])
@pytest.mark.parametrize("scale", [1, 20])
def test_softmax(isa, rng, rows, columns, scale):
    x, dy = scale * normal(rng, rows, columns), normal(rng, rows, columns)
    x64, dy64 = double(x, dy)
    # exp(x - max) is exact to a relative eps of the exponent's size.
    size = 1 + 8 * scale
    assert_close(ops.softmax(x), reference.softmax(x64), unit=size)
    assert_close(
        ops.log_softmax(x), reference.log_softmax(x64), terms=columns, unit=size / math.sqrt(columns)
    )
    assert_close(ops.softmax_backward(dy, x), reference.softmax_backward(x64, dy64), unit=4 * size)
    backward = ops.log_softmax_backward(dy, x)
    assert_close(backward, reference.log_softmax_backward(x64, dy64), terms=columns, unit=size)
    np.testing.assert_allclose(
        ops.softmax(x).sum(axis=-1, dtype=float), 1.0, rtol=4 * EPS * math.sqrt(columns)
    )


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_along_an_axis(isa, rng, axis):
    x, dy = normal(rng, 3, 4, 5), normal(rng, 3, 4, 5)
    moved, moved_dy = double(np.moveaxis(x, axis, -1), np.moveaxis(dy, axis, -1))
    for forward, backward, expected, expected_backward in [
        (ops.softmax, ops.softmax_backward, reference.softmax, reference.softmax_backward),
        (ops.log_softmax, ops.log_softmax_backward, reference.log_softmax, reference.log_softmax_backward),
    ]:
        assert_close(forward(x, axis=axis), np.moveaxis(expected(moved), -1, axis), unit=8)
        dx = backward(dy, x, axis=axis)
        assert_close(dx, np.moveaxis(expected_backward(moved, moved_dy), -1, axis), unit=16)


def test_softmax_of_huge_numbers(isa):
    x = np.array([[1e4, 0.0, -1e4], [3e38, 3e38, -3e38], [-3e38, -3e38, -3e38]], np.float32)
    np.testing.assert_allclose(ops.softmax(x), [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3], rtol=4 * EPS)
    np.testing.assert_allclose(ops.log_softmax(x[:1]), [[0.0, -1e4, -2e4]], rtol=4 * EPS)
    masked = ops.softmax(np.array([[0.0, -np.inf, 0.0]]))
    np.testing.assert_array_equal(masked, [[0.5, 0.0, 0.5]])


def test_softmax_of_nan(isa):
    x = np.zeros((3, 17), np.float32)
    x[1, 4] = np.nan
    for function in (ops.softmax, ops.log_softmax):
        np.testing.assert_array_equal(np.isnan(function(x)).all(axis=1), [False, True, False])
        assert np.isfinite(function(x)[[0, 2]]).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("columns", [1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 33, 1000])
@pytest.mark.parametrize("rows", [0, 1, 5])
def test_losses(isa, rng, name, from_logits, columns, rows):
    if from_logits or name == "mean_squared_error":
        x = 3 * normal(rng, rows, columns)
    elif name == "binary_crossentropy":
        x = 0.01 + 0.98 * rng.random((rows, columns), dtype=np.float32)
    else:
        x = probabilities(rng, rows, columns) * (
            1 + rng.random((rows, 1), dtype=np.float32)
        )  # normalised inside
    y = truth(rng, name, rows, columns)
    loss, dx = core_loss(name, x, y, from_logits)
    expected, gradient = reference.loss(
        name, *double(x), y if y.dtype == np.int32 else y.astype(float), from_logits
    )
    assert_close(loss, expected, terms=columns, unit=64 / math.sqrt(columns))
    # 1 / p makes gradients by probabilities as large as they are inexact.
    assert_close(dx, gradient, unit=8 * max(1.0, np.abs(gradient).max(initial=0.0)))


@pytest.mark.parametrize("name", LOSSES[:3])
def test_clipped_probabilities(isa, name):
    """Outside [1e-7, 1 - 1e-7] the loss stands still and its gradient, but for the normalization, is zero."""
    x = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    y = np.array([1, 1], np.int32) if name.startswith("sparse") else np.array([[0, 1], [0, 1]], np.float32)
    loss, dx = core_loss(name, x, y, False)
    np.testing.assert_allclose(loss, [-math.log(1e-7), 1e-7], rtol=1e-2, atol=3e-8)  # 1 - 1e-7 is 1 - eps
    np.testing.assert_array_equal(dx, np.zeros((2, 2)))


@pytest.mark.parametrize("name", LOSSES[:3])
def test_logits_of_any_size(isa, name):
    """No overflow, and no loss of a small loss."""
    x = np.array([[500.0, -500.0], [-500.0, 500.0], [20.0, -20.0]], np.float32)
    y = np.zeros(3, np.int32) if name.startswith("sparse") else np.eye(2, dtype=np.float32)[[0, 0, 0]]
    loss, dx = core_loss(name, x, y, True)
    expected, gradient = reference.loss(name, x.astype(float), y, True)
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(dx, gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", [(1,), (6,), (2, 3), (0,)])
def test_softmax_cross_entropy(isa, rng, shape):
    x, dy, labels = normal(rng, *shape, 7), normal(rng, *shape), rng.integers(0, 7, shape)
    flat, gradient = reference.loss(
        "sparse_categorical_crossentropy", x.reshape(-1, 7).astype(float), labels.ravel(), True
    )
    expected = gradient.reshape(x.shape) * dy[..., np.newaxis]
    one_hot = np.eye(7)[labels]
    for given in [labels, labels.astype(np.uint8), labels.astype(float), labels[..., np.newaxis], one_hot]:
        assert_close(ops.softmax_cross_entropy(x, given), flat.reshape(shape), terms=7, unit=2)
        assert_close(ops.softmax_cross_entropy_backward(dy, x, given), expected, unit=8)


@pytest.mark.parametrize(("columns", "scale"), [(1, 1.0), (5, 1.0), (4, 30.0)])
def test_reference_softmax_backward(rng, columns, scale):
    x, dy = scale * rng.standard_normal((3, columns)), rng.standard_normal((3, columns))
    for forward, backward in [
        (reference.softmax, reference.softmax_backward),
        (reference.log_softmax, reference.log_softmax_backward),
    ]:
        assert_gradient(lambda x, forward=forward: (forward(x) * dy).sum(), x, backward(x, dy))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("from_logits", [False, True])
def test_reference_loss_gradients(rng, name, from_logits):
    x = rng.standard_normal((3, 4)) if from_logits else 0.05 + 0.9 * rng.random((3, 4))
    y = truth(rng, name, 3, 4)
    _, dx = reference.loss(name, x, y, from_logits)
    assert_gradient(lambda x: reference.loss(name, x, y, from_logits)[0].sum(), x, dx)


def test_reference_values():
    """Figures of Keras' documentation of the losses."""
    p = np.array([[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]])
    for name, y in [
        ("sparse_categorical_crossentropy", np.array([1, 2])),
        ("categorical_crossentropy", np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])),
    ]:
        np.testing.assert_allclose(reference.loss(name, p, y)[0], [0.0513, 2.303], atol=5e-4)
    y, p = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.6, 0.4], [0.4, 0.6]])
    np.testing.assert_allclose(reference.loss("binary_crossentropy", p, y)[0], [0.916, 0.714], atol=5e-4)


@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (np.zeros((2, 3)), [0, 3], "labels run from 0 to 3; expected class numbers from 0 to 2"),
        (np.zeros((2, 3)), [0, -1], "labels run from -1 to 0"),
        (np.zeros((2, 3)), [0, np.nan], "NaN or fractions"),
        (np.zeros((2, 3)), [0, 0.5], "NaN or fractions"),
        (np.zeros((2, 3)), [0, 1, 2], r"labels have shape \(3,\)"),
        (np.zeros((2, 3)), [[0, np.nan, 1], [0, 0, 1]], "NaN or infinities"),
        (np.zeros((2, 0)), [0, 0], "at least one element"),
    ],
)
def test_bad_labels(x, labels, message):
    with pytest.raises(ValueError, match=message):
        ops.softmax_cross_entropy(x, labels)


def test_bad_arguments():
    with pytest.raises(TypeError, match="labels have dtype <U1"):
        ops.softmax_cross_entropy(np.zeros((1, 3)), ["a"])
    with pytest.raises(ValueError, match=r"dy has shape \(\); expected \(2,\)"):
        ops.softmax_cross_entropy_backward(1.0, np.zeros((2, 3)), [0, 1])
    for function in (ops.softmax, ops.log_softmax):
        with pytest.raises(ValueError, match="axis is 2"):
            function(np.zeros((2, 3)), axis=2)
        with pytest.raises(ValueError, match="at least one element along axis 1"):
            function(np.zeros((2, 0)))
        with pytest.raises(ValueError, match="single number"):
            function(1.0)
