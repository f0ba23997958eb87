"""keras.random: arrays that follow from seeds, and symbols that every run draws anew."""

import copy
import pickle

import numpy as np
import pytest

import pycnn as keras
import pycnn.tf as tf
from pycnn import backend as K
from pycnn import ops, random

SHAPE = (400, 5)
# Functions of shape and seed, with mean and standard deviation of what they draw.
DRAWN = {
    "uniform": (lambda shape, seed: random.uniform(shape, -1, 3, seed=seed), 1, 4 / 12**0.5),
    "normal": (lambda shape, seed: random.normal(shape, 2.0, 0.5, seed=seed), 2, 0.5),
    "randint": (lambda shape, seed: random.randint(shape, 3, 7, seed=seed), 4.5, 1.25**0.5),
    "dropout": (lambda shape, seed: random.dropout(ops.ones(SHAPE), 0.25, seed=seed), 1, (1 / 3) ** 0.5),
    # Johnson, Kotz and Balakrishnan, Continuous univariate distributions, 1994: cut at two deviations.
    "truncated_normal": (
        lambda shape, seed: random.truncated_normal(shape, seed=seed),
        0,
        0.8796256610342398,
    ),
    "gamma": (lambda shape, seed: random.gamma(shape, 4.0, seed=seed), 4, 2),
    "beta": (lambda shape, seed: random.beta(shape, 2.0, 2.0, seed=seed), 0.5, 0.05**0.5),
    "binomial": (lambda shape, seed: random.binomial(shape, 10, 0.5, seed=seed), 5, 2.5**0.5),
    "K.random_normal": (lambda shape, seed: K.random_normal(shape, 1.0, 2.0, seed=seed), 1, 2),
    "K.random_uniform": (lambda shape, seed: K.random_uniform(shape, seed=seed), 0.5, 1 / 12**0.5),
    "K.random_bernoulli": (lambda shape, seed: K.random_bernoulli(shape, 0.25, seed=seed), 0.25, 0.1875**0.5),
    "tf.normal": (lambda shape, seed: tf.random.normal(shape, seed=seed), 0, 1),
    "tf.gamma": (lambda shape, seed: tf.random.gamma(shape, 4.0, 2.0, seed=seed), 2, 1),
}
IN_GRAPHS = (
    "uniform",
    "normal",
    "randint",
    "K.random_normal",
    "K.random_uniform",
    "K.random_bernoulli",
    "tf.normal",
)


def check_moments(values, mean, deviation):
    """Six standard errors; that of a deviation is at most its own size by sqrt(n / 4) for these."""
    n = values.size
    assert abs(values.mean() - mean) < 6 * deviation / n**0.5
    assert abs(values.std() - deviation) < 6 * deviation / (n / 4) ** 0.5


@pytest.mark.parametrize("name", DRAWN)
def test_arrays(name):
    draw, mean, deviation = DRAWN[name]
    values = np.asarray(draw(SHAPE, 5))
    assert values.shape == SHAPE
    assert values.dtype == ("int32" if name == "randint" else "float32")
    check_moments(values, mean, deviation)
    np.testing.assert_array_equal(values, draw(SHAPE, 5))  # an integer: the same in each call
    assert (values != np.asarray(draw(SHAPE, None))).any()
    keras.utils.set_random_seed(1)
    first = np.asarray(draw(SHAPE, None))
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(first, draw(SHAPE, None))


@pytest.mark.parametrize("name", IN_GRAPHS)
def test_symbols_are_drawn_in_every_run(name):
    draw, mean, deviation = DRAWN[name]
    x = keras.Input((5,))
    model = keras.Model(x, x * 0.0 + draw(ops.shape(x), None))
    first, second = (model.predict(np.ones(SHAPE), verbose=0) for _ in range(2))
    check_moments(first, mean, deviation)
    check_moments(second, mean, deviation)
    assert (first != second).mean() > 0.1
    rows = {tuple(row) for row in np.concatenate([first, second]).tolist()}
    if name not in ("randint", "K.random_bernoulli"):
        assert len(rows) == 2 * len(first)


class Noisy(keras.layers.Layer):
    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.generator = random.SeedGenerator(seed)

    def call(self, x):
        every = random.normal((1, 3), seed=self.generator)  # the same for all samples of a run
        return x + random.normal(ops.shape(x), seed=self.generator) + 0.0 * every, every * ops.ones_like(x)


def test_in_a_call_of_ones_own():
    keras.utils.set_random_seed(3)
    layer, x = Noisy(7), np.zeros((50, 3), np.float32)
    (a, shared), (b, again) = layer(x), layer(x)
    assert (np.asarray(a) != np.asarray(b)).all()
    assert (np.asarray(shared) == np.asarray(shared)[0]).all()
    assert (np.asarray(shared) != np.asarray(again)).all()
    np.testing.assert_array_equal(a, Noisy(7)(x)[0])  # the same seed, the same runs
    assert (np.asarray(a) != np.asarray(Noisy(8)(x)[0])).all()
    keras.utils.set_random_seed(3)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, Noisy(7)(inputs)[0])
    model.compile("sgd", "mse")
    assert model.evaluate(np.zeros((2000, 3)), np.zeros((2000, 3)), verbose=0) == pytest.approx(1, abs=0.12)
    with keras.GradientTape() as tape:
        v = keras.Variable(2.0)
        loss = ops.mean(v * ops.square(model(np.zeros((2000, 3), np.float32))))
    assert float(tape.gradient(loss, v)) == pytest.approx(float(loss) / 2, rel=1e-5)


def test_dropout_of_symbols():
    x = keras.Input((6,))
    found = keras.Model(x, random.dropout(x, 0.5)).predict(np.ones((50, 6)), verbose=0)
    assert set(found.ravel().tolist()) == {0.0, 2.0}
    shared = keras.Model(x, random.dropout(x, 0.5, (None, 1))).predict(np.ones((50, 6)), verbose=0)
    assert (shared == shared[:, :1]).all()
    assert set(shared.ravel().tolist()) == {0.0, 2.0}


def test_models_that_draw_are_copied_and_not_described():
    x = keras.Input((3,))
    model = keras.Model(x, x + random.normal(ops.shape(x)))
    data = np.zeros((400, 3))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.predict(data, verbose=0).std() == pytest.approx(1, abs=0.15)
    with pytest.raises(ValueError, match=r"draws random numbers outside of a layer"):
        model.get_config()


def test_seed_generator():
    generator = random.SeedGenerator(4)
    again = random.SeedGenerator.from_config(generator.get_config())
    assert again.get_config() == generator.get_config()
    first, second = (random.normal((3,), seed=generator) for _ in range(2))
    assert (first != second).all()
    np.testing.assert_array_equal(first, random.normal((3,), seed=again))


def test_categorical_and_shuffle():
    drawn = random.categorical(np.log([[0.25, 0.75], [1.0, 1e-30]]), 4000, seed=1)
    assert drawn.shape == (2, 4000)
    assert drawn[0].mean() == pytest.approx(0.75, abs=6 * (0.1875 / 4000) ** 0.5)
    assert not drawn[1].any()
    assert tf.random.categorical([[0.0, 0.0]], 3).dtype == "int64"
    x = np.arange(12).reshape(3, 4)
    mixed = random.shuffle(x, axis=1, seed=2)
    assert sorted(mixed.T.tolist()) == x.T.tolist()
    assert (mixed != x).any()


def test_generators_of_tensorflow():
    rng = tf.random.Generator.from_seed(5, alg="philox")
    seeds = rng.make_seeds(2)
    assert seeds.shape == (2, 2)
    assert (rng.normal((4,)).numpy() != rng.normal((4,)).numpy()).all()
    a, b = (tf.random.stateless_uniform((4,), seeds[:, 0], 2, 5).numpy() for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert ((a >= 2) & (a < 5)).all()
    assert (
        tf.random.stateless_normal((4,), (1, 2)).numpy() != tf.random.stateless_normal((4,), (2, 1)).numpy()
    ).all()
    with pytest.raises(ValueError, match="two integers"):
        tf.random.stateless_normal((4,), 3)


class Calls(keras.layers.Layer):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return x + self.function(ops.shape(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random.uniform((None, 2), seed=3), r"keras\.random\.SeedGenerator\(3\)"),
        (lambda: random.normal((2, None)), "None on the first axis"),
        (lambda: random.normal((-1,)), "expected sizes"),
        (lambda: random.normal("ab"), "expected integers"),
        (lambda: random.normal((2,), seed=-1), "seed is -1"),
        (lambda: random.normal((2,), dtype="int32"), "expected a float"),
        (lambda: random.randint((2,), 0, 3, dtype="float32"), "expected one of integers"),
        (lambda: random.dropout([1.0], 1.0), r"rate is 1\.0"),
        (lambda: random.categorical([1.0], 2), r"shape \(1,\)"),
        (lambda: random.SeedGenerator("x"), "seed is 'x'"),
        (lambda: Calls(lambda shape: random.gamma(shape, 1.0))(np.ones((2, 3))), "gamma is not available"),
        (lambda: Calls(random.truncated_normal)(np.ones((2, 3))), "truncated_normal is not available"),
        (lambda: random.shuffle(keras.Input((2,))), "shuffle arrays before"),
        (lambda: random.categorical(keras.Input((2,)), 2), "`predict`"),
    ],
)
def test_refusals(call, message):
    with pytest.raises((TypeError, ValueError, NotImplementedError), match=message):
        call()
