"""Dropout: what its masks are like, on every ISA."""

import math

import numpy as np
import pytest
from helpers import EPS, WIDTHS, normal

from pycnn import _core, ops


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
def test_share_and_scale(isa, rate):
    n = 100_000
    y = ops.dropout(np.ones(n), rate, seed=7)
    kept = y != 0
    np.testing.assert_allclose(y[kept], 1 / (1 - rate), rtol=4 * EPS / (1 - rate))
    # Six standard deviations of a binomial share.
    assert abs(kept.mean() - (1 - rate)) < 6 * math.sqrt(rate * (1 - rate) / n)


@pytest.mark.parametrize("lag", [1, 2, 7, 16, 64, 1000])
def test_neighbours_are_independent(isa, lag):
    n = 100_000
    kept = ops.dropout(np.ones(n + lag), 0.5, seed=3) != 0
    both = (kept[:-lag] & kept[lag:]).mean()
    assert abs(both - 0.25) < 6 * math.sqrt(0.25 * 0.75 / n) * math.sqrt(2)


def test_seeds_are_independent(isa):
    n = 100_000
    masks = [ops.dropout(np.ones(n), 0.5, seed=seed) != 0 for seed in (0, 1, 2, 2**32, 2**63 - 1)]
    for i, one in enumerate(masks):
        for other in masks[:i]:
            assert abs((one & other).mean() - 0.25) < 6 * math.sqrt(0.25 * 0.75 / n)


@pytest.mark.parametrize("size", [0, *WIDTHS, 1000])
def test_the_same_seed_gives_the_same_places(isa, rng, size):
    x, dy = normal(rng, size), normal(rng, size)
    mask = ops.dropout(np.ones(size), 0.3, seed=11)
    np.testing.assert_allclose(ops.dropout(x, 0.3, seed=11), x * mask, rtol=3e-7)
    np.testing.assert_allclose(ops.dropout_backward(dy, 0.3, seed=11), dy * mask, rtol=3e-7)
    # Vector tails and lengths change nothing.
    np.testing.assert_array_equal(mask, ops.dropout(np.ones(1024), 0.3, seed=11)[:size])


def test_every_isa_and_shape_gives_the_same_places(isa):
    kept = ops.dropout(np.ones((8, 125)), 0.5, seed=1) != 0
    _core.set_isa(_core.config()["isas_available"][-1])
    np.testing.assert_array_equal(kept.ravel(), ops.dropout(np.ones(1000), 0.5, seed=1) != 0)


def test_rate_zero_keeps_everything(isa, rng):
    x = normal(rng, 3, 5)
    np.testing.assert_array_equal(ops.dropout(x, 0.0, seed=1), x)
    assert ops.dropout(np.zeros((0, 5)), 0.5, seed=1).shape == (0, 5)


def test_dropped_places_hold_zero_whatever_was_there(isa):
    y = ops.dropout(np.full(64, np.inf), 0.5, seed=1)
    assert set(y.tolist()) == {0.0, math.inf}


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, np.nan])
def test_bad_rates(rate):
    with pytest.raises(ValueError, match="rate is"):
        ops.dropout(np.zeros(3), rate, seed=0)


def test_bad_seeds():
    with pytest.raises(ValueError, match="seed is -1"):
        ops.dropout(np.zeros(3), 0.5, seed=-1)
    with pytest.raises(ValueError, match="seed is 9223372036854775808"):
        ops.dropout(np.zeros(3), 0.5, seed=2**63)
    with pytest.raises(TypeError, match=r"seed is 0\.5"):
        ops.dropout(np.zeros(3), 0.5, seed=0.5)
    with pytest.raises(TypeError, match=r"rate is '0\.5'"):
        ops.dropout(np.zeros(3), "0.5", seed=1)
