"""Initial values: their distributions by the published formulas, seeds, and names."""

import math

import numpy as np
import pytest

import pycnn as keras
from pycnn import initializers

KERNEL = (3, 3, 20, 40)  # fan_in 180, fan_out 360
LIMITS = {
    "GlorotUniform": math.sqrt(6 / 540),
    "HeUniform": math.sqrt(6 / 180),
    "LecunUniform": math.sqrt(3 / 180),
    "RandomUniform": 0.05,
}
STDDEVS = {
    "GlorotNormal": math.sqrt(2 / 540),
    "HeNormal": math.sqrt(2 / 180),
    "LecunNormal": math.sqrt(1 / 180),
    "RandomNormal": 0.05,
}
TRUNCATED_STDDEV = 0.8796256610342398
ALL = [*LIMITS, *STDDEVS, "TruncatedNormal", "Orthogonal", "VarianceScaling", "Zeros", "Ones", "Constant"]


@pytest.mark.parametrize("name", LIMITS)
def test_uniform(name):
    values = getattr(initializers, name)(seed=1)(KERNEL)
    assert np.abs(values).max() <= LIMITS[name] * (1 + 1e-6)
    assert np.abs(values).max() > 0.999 * LIMITS[name]
    assert values.std() == pytest.approx(LIMITS[name] / math.sqrt(3), rel=0.02)
    assert values.mean() == pytest.approx(0, abs=0.02 * LIMITS[name])


@pytest.mark.parametrize("name", STDDEVS)
def test_normal(name):
    values = getattr(initializers, name)(seed=1)(KERNEL)
    assert values.std() == pytest.approx(STDDEVS[name], rel=0.02)
    assert values.mean() == pytest.approx(0, abs=0.02 * STDDEVS[name])
    if name != "RandomNormal":
        assert np.abs(values).max() <= 2 * STDDEVS[name] / TRUNCATED_STDDEV * (1 + 1e-6)


def test_truncated_normal():
    values = initializers.TruncatedNormal(mean=1.0, stddev=0.5, seed=1)((200, 300))
    assert np.abs(values - 1).max() <= 1.0
    assert values.std() == pytest.approx(0.5 * TRUNCATED_STDDEV, rel=0.02)


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 7), (2, 2, 2, 5)])
def test_orthogonal(shape):
    values = initializers.Orthogonal(gain=2.0, seed=1)(shape).reshape(-1, shape[-1])
    small = values @ values.T if values.shape[0] < values.shape[1] else values.T @ values
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)


def test_constants():
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.Ones()((2, 3)), np.ones((2, 3)))
    np.testing.assert_array_equal(initializers.Constant(2.5)((2, 3)), np.full((2, 3), 2.5))
    np.testing.assert_array_equal(initializers.Constant([1, 2])((3, 2)), [[1, 2]] * 3)
    np.testing.assert_array_equal(initializers.Identity(3)((3, 2)), 3 * np.eye(3, 2))


@pytest.mark.parametrize("name", ALL)
def test_every_initializer(name):
    cls = getattr(initializers, name)
    initializer = cls()
    values = initializer((6, 5))
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    np.testing.assert_array_equal(values, initializer((6, 5)))  # one object, one shape: the same values
    copy = initializers.deserialize(
        initializers.serialize(cls(seed=5) if "seed" in initializer.get_config() else cls())
    )
    assert copy.get_config() == initializers.get(initializers.serialize(copy)).get_config()
    assert type(initializers.get(name)) is cls
    assert type(initializers.get(cls)) is cls
    assert initializers.get(initializer) is initializer
    if "seed" in initializer.get_config():
        np.testing.assert_array_equal(cls(seed=3)((6, 5)), cls(seed=3)((6, 5)))
        assert (cls(seed=3)((6, 5)) != cls(seed=4)((6, 5))).any()
        assert (cls()((6, 5)) != cls()((6, 5))).any()


def test_global_seed():
    def draw():
        keras.utils.set_random_seed(7)
        return [initializers.get("glorot_uniform")((3, 4)) for _ in range(2)]

    first, second = draw(), draw()
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()


@pytest.mark.parametrize(
    "make",
    [
        lambda: initializers.get("glorot"),
        lambda: initializers.get(3),
        lambda: initializers.VarianceScaling(scale=0),
        lambda: initializers.VarianceScaling(mode="fan"),
        lambda: initializers.VarianceScaling(distribution="x"),
        lambda: initializers.GlorotUniform(input_axes=(0,)),
        lambda: initializers.HeNormal(seed="a"),
        lambda: initializers.HeNormal(seed=-1),
        lambda: initializers.Orthogonal()((3,)),
        lambda: initializers.Identity()((2, 2, 2)),
        lambda: initializers.Ones()((2,), dtype="float16"),
        lambda: initializers.serialize(lambda shape: np.zeros(shape)),
    ],
)
def test_refused(make):
    with pytest.raises((TypeError, ValueError)):
        make()
