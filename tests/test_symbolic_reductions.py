"""keras.ops on symbols and arrays: reductions and statistics."""

import itertools
import math

import numpy as np
import pytest
from helpers import normal, small_integers
from symbols import check, check_gradient, close, predicted

import pycnn as keras
from pycnn import ops
from pycnn.core.blueprint import Blueprint

AXES = [None, *(c for n in (1, 2, 3, 4) for c in itertools.combinations(range(4), n))]
INNER = [axes for axes in AXES if axes is not None and 0 not in axes]
logsumexp = lambda x, axis, keepdims: np.log(np.exp(x).sum(axis, keepdims=keepdims))  # noqa: E731


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["sum", "mean", "var", "std"])
def test_reductions_that_may_go_over_the_batch(rng, name, axis, keepdims):
    x = normal(rng, 5, 3, 4, 2)
    options = {"axis": axis, "keepdims": keepdims}
    check(
        lambda x: getattr(ops, name)(x, **options), lambda x: getattr(np, name)(x, **options), x, terms=x.size
    )


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", INNER)
@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "prod", "any", "all", "count_nonzero"])
def test_reductions_of_samples(rng, name, axis, keepdims):
    x = (
        small_integers(rng, 5, 3, 4, 2, low=0)
        if name in ("any", "all", "count_nonzero")
        else normal(rng, 5, 3, 4, 2)
    )
    options = {"axis": axis, "keepdims": keepdims}
    check(lambda x: getattr(ops, name)(x, **options), lambda x: getattr(np, name)(x, **options), x, terms=24)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", INNER)
def test_norms(rng, axis, keepdims):
    x = normal(rng, 5, 3, 4, 2)
    root = lambda x: np.sqrt((x * x).sum(axis, keepdims=keepdims))  # noqa: E731
    check(lambda x: ops.norm(x, None, axis, keepdims), root, x, terms=24)
    check(lambda x: ops.logsumexp(x, axis, keepdims), lambda x: logsumexp(x, axis, keepdims), x, terms=24)
    if len(axis) == 1:
        check(lambda x: ops.norm(x, 2, axis, keepdims), root, x, terms=24)
        check(
            lambda x: ops.norm(x, 1, axis, keepdims),
            lambda x: np.abs(x).sum(axis, keepdims=keepdims),
            x,
            terms=24,
        )
    else:
        with pytest.raises(ValueError, match="a norm of matrices"):
            ops.norm(x, 2, axis)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places(rng, name, axis, keepdims):
    x = small_integers(rng, 5, 3, 4, 2)
    options = {"axis": axis, "keepdims": keepdims}
    check(lambda x: getattr(ops, name)(x, **options), lambda x: getattr(np, name)(x, **options), x)


REDUCTIONS = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "var": np.var,
    "std": np.std,
    "logsumexp": logsumexp,
    "norm": lambda x, axis, keepdims: np.sqrt((x * x).sum(axis, keepdims=keepdims)),
}


@pytest.mark.parametrize("axis", [(1,), (2,), (1, 2), (3,), (1, 3), (1, 2, 3)])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_gradients_of_reductions(rng, name, axis):
    x = rng.uniform(0.5, 1.5, (2, 2, 3, 2))
    check_gradient(
        lambda x: getattr(ops, name)(x, axis=axis),
        lambda x: REDUCTIONS[name](x, axis=axis, keepdims=False),
        x,
        terms=256,
    )


@pytest.mark.parametrize("name", ["mean", "sum"])
def test_gradient_over_the_batch(rng, name):
    x = normal(rng, 5, 3)

    def centred(module, x):
        return (x - getattr(module, name)(x, axis=0, keepdims=True)) ** 2

    check(lambda x: centred(ops, x), lambda x: centred(np, x), x, terms=16, unit=8)
    check_gradient(lambda x: centred(ops, x), lambda x: centred(np, x), x, terms=64)


def test_average(rng):
    x, w = normal(rng, 5, 3, 4), rng.uniform(0.5, 1.5, (5, 3, 4))
    row = rng.uniform(0.5, 1.5, 3)
    check(lambda x, w: ops.average(x, 1, w), lambda x, w: np.average(x, 1, w), x, w, terms=12)
    check(lambda x, w: ops.average(x, (1, 2), w), lambda x, w: np.average(x, (1, 2), w), x, w, terms=12)
    check(lambda x, w: ops.average(x, None, w), lambda x, w: np.average(x, None, w), x, w, terms=60)
    check(lambda x: ops.average(x, 1, row), lambda x: np.average(x, 1, row), x, terms=12)
    check(lambda x: ops.average(x, 2), lambda x: np.average(x, 2), x, terms=12)
    with pytest.raises(ValueError, match=r"average: weights have shape \(4,\)"):
        ops.average(x, None, np.ones(4))


def test_bounds_of_extrema(rng):
    x = normal(rng, 5, 3)
    check(lambda x: ops.max(x, 1, initial=0.5), lambda x: np.max(x, 1, initial=0.5), x)
    check(lambda x: ops.min(x, 1, initial=0.5), lambda x: np.min(x, 1, initial=0.5), x)
    assert ops.prod([2, 3], dtype="int32").dtype == np.int32


def test_logsumexp_of_extremes():
    x = np.array([[1000.0, 1000.0], [-1000.0, -2000.0], [-np.inf, 0.0]], np.float32)
    expected = np.array([1000 + math.log(2), -1000, 0])
    close(predicted(lambda x: ops.logsumexp(x, axis=1), x), expected, unit=1000)
    close(ops.logsumexp(x, axis=1), expected, unit=1000)


@pytest.mark.parametrize("name", ["max", "min", "prod", "any", "all", "argmax", "argmin", "logsumexp"])
def test_reductions_over_the_batch_refused(name):
    x = keras.Input((3, 4))
    for axis in (0, None, -3):
        with pytest.raises(ValueError, match="would mix the samples of a batch"):
            getattr(ops, name)(x, axis=axis)


@pytest.mark.parametrize("value", [keras.Input((3,)), np.ones((2, 3))])
def test_axes_that_do_not_exist(value):
    with pytest.raises(ValueError, match="axis is 2; expected -2 to 1"):
        ops.sum(value, axis=2)
    with pytest.raises(ValueError, match="an axis comes twice"):
        ops.sum(value, axis=(1, -1))
    with pytest.raises(TypeError, match=r"axis is 1\.5; expected an integer"):
        ops.max(value, axis=1.5)
    with pytest.raises(ValueError, match="axis is -3"):
        ops.argmax(value, axis=-3)


def test_the_mean_of_maps_is_a_pooling():
    x = keras.Input((4, 5, 3))
    y = ops.mean(x, axis=(1, 2))
    graph = Blueprint()
    graph.call(y.node, [graph.input((4, 5, 3))])
    assert [graph.node(i)[0] for i in range(len(graph))] == ["input", "pool2d", "reshape"]
