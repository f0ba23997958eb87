"""Matrix products against float64, on every ISA."""

import numpy as np
import pytest
import reference
from helpers import WIDTHS, assert_close, assert_gradient, double, normal

from pycnn import ops


def check(rng, rows, inputs, units):
    x, dy = normal(rng, *rows, inputs), normal(rng, *rows, units)
    w, b = normal(rng, inputs, units), normal(rng, units)
    x64, w64, b64, dy64 = double(x, w, b, dy)
    dx, dw, db = ops.dense_backward(dy, x, w)
    gradients = reference.dense_backward(x64, w64, dy64)
    samples = int(np.prod(rows))
    assert_close(ops.dense(x, w, b), reference.dense(x64, w64, b64), terms=inputs + 1)
    assert_close(ops.dense(x, w), reference.dense(x64, w64), terms=inputs)
    assert_close(dx, gradients[0], terms=units)
    assert_close(dw, gradients[1], terms=samples)
    assert_close(db, gradients[2], terms=samples)


@pytest.mark.parametrize("inputs", WIDTHS)
@pytest.mark.parametrize("units", WIDTHS)
def test_sizes_around_the_vector_width(isa, rng, inputs, units):
    check(rng, (5,), inputs, units)


@pytest.mark.parametrize("rows", [0, 1, 2, 6, 7, 13, 14, 15, 29, 130])
@pytest.mark.parametrize("sizes", [(1, 1), (37, 10), (64, 65)])
def test_batch_sizes(isa, rng, rows, sizes):
    check(rng, (rows,), *sizes)


def test_the_large_layer(isa, rng):
    check(rng, (33,), 1600, 128)
    check(rng, (1,), 1600, 128)
    check(rng, (3,), 2, 4099)


@pytest.mark.parametrize("rows", [(2, 3), (2, 3, 4), (0, 3)])
def test_on_the_last_axis(isa, rng, rows):
    check(rng, rows, 5, 7)


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (3, 5, 7), (17, 31, 33), (64, 128, 47), (0, 3, 2)])
def test_matmul(isa, rng, m, k, n):
    a, b = normal(rng, m, k), normal(rng, k, n)
    a64, b64 = double(a, b)
    assert_close(ops.matmul(a, b), a64 @ b64, terms=k)


def test_activation(isa, rng):
    x, w = normal(rng, 4, 3), normal(rng, 3, 5)
    np.testing.assert_array_equal(ops.dense(x, w, activation="relu"), np.maximum(ops.dense(x, w), 0))
    np.testing.assert_array_equal(ops.dense(x, w, activation="softmax"), ops.softmax(ops.dense(x, w)))


def test_reference_backward(rng):
    x, w, b, dy = (rng.standard_normal(shape) for shape in [(3, 2, 4), (4, 5), (5,), (3, 2, 5)])
    dx, dw, db = reference.dense_backward(x, w, dy)
    assert_gradient(lambda x: (reference.dense(x, w, b) * dy).sum(), x, dx)
    assert_gradient(lambda w: (reference.dense(x, w, b) * dy).sum(), w, dw)
    assert_gradient(lambda b: (reference.dense(x, w, b) * dy).sum(), b, db)


@pytest.mark.parametrize(
    ("x", "w", "b", "message"),
    [
        ((3,), (3, 2), None, r"x has shape \(3,\)"),
        ((2, 4), (3, 2), None, r"x has shape \(2, 4\); expected \(n, ..., 3\)"),
        ((2, 3), (3,), None, "w has shape"),
        ((2, 3), (3, 0), None, "at least 1"),
        ((2, 3), (3, 2), (3,), r"b has shape \(3,\)"),
    ],
)
def test_bad_shapes(x, w, b, message):
    with pytest.raises(ValueError, match=message):
        ops.dense(np.zeros(x), np.zeros(w), None if b is None else np.zeros(b))


def test_bad_products():
    with pytest.raises(ValueError, match=r"x1 has shape \(2, 3\) and x2 \(4, 5\)"):
        ops.matmul(np.zeros((2, 3)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"x1 has shape \(2, 3\) and x2 \(2,\)"):
        ops.matmul(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(ValueError, match=r"dy has shape \(2, 3\); expected \(2, 5\)"):
        ops.dense_backward(np.zeros((2, 3)), np.zeros((2, 4)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match="activation is 'none'"):
        ops.dense(np.zeros((2, 3)), np.zeros((3, 4)), activation="none")
