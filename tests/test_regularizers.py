"""Regularizers: their numbers, what they add to the loss, and their gradients."""

import numpy as np
import pytest
from helpers import normal

import pycnn as keras
from pycnn import layers, ops, regularizers

EPS = np.finfo(np.float32).eps


def orthogonal(w, factor, mode):
    rows = w if mode == "rows" else w.T
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [abs(unit[i] @ unit[j]) for i in range(len(unit)) for j in range(i)]
    return factor * np.mean(pairs)


CASES = {
    "l1": (lambda: regularizers.L1(0.3), lambda w: 0.3 * np.abs(w).sum()),
    "l2": (lambda: regularizers.L2(0.3), lambda w: 0.3 * (w**2).sum()),
    "l1_l2": (lambda: regularizers.L1L2(0.2, 0.3), lambda w: 0.2 * np.abs(w).sum() + 0.3 * (w**2).sum()),
    "none": (lambda: regularizers.L1L2(), lambda w: 0.0),
    "rows": (lambda: regularizers.OrthogonalRegularizer(0.4), lambda w: orthogonal(w, 0.4, "rows")),
    "columns": (
        lambda: regularizers.OrthogonalRegularizer(0.4, "columns"),
        lambda w: orthogonal(w, 0.4, "columns"),
    ),
    "function": (
        lambda: lambda w: ops.sum(ops.exp(w)),
        lambda w: np.exp(w).sum(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_values_on_arrays(case, rng):
    make, reference = CASES[case]
    w = normal(rng, 5, 7)
    expected = reference(w.astype(np.float64))
    np.testing.assert_allclose(make()(w), expected, rtol=10 * EPS * np.sqrt(w.size))


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradient_of_a_weight(case, rng):
    make, reference = CASES[case]
    dense = layers.Dense(4, kernel_regularizer=make())
    model = keras.Sequential([keras.Input((6,)), dense])
    rate = 0.125
    model.compile(keras.optimizers.SGD(rate), "mse")
    w = normal(rng, 6, 4)
    dense.set_weights([w, np.zeros(4)])
    x = np.zeros((8, 6), np.float32)  # so that all of the kernel's gradient is the regularizer's
    y = np.zeros((8, 4), np.float32)
    w64 = w.astype(np.float64)
    expected = reference(w64)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), expected, rtol=1e-5)
    assert model.train_on_batch(x, y) == pytest.approx(expected, rel=1e-5)
    step = 1e-5
    slope = np.empty_like(w64)
    for place in np.ndindex(w.shape):
        ahead, back = w64.copy(), w64.copy()
        ahead[place] += step
        back[place] -= step
        slope[place] = (reference(ahead) - reference(back)) / (2 * step)
    got = (w64 - dense.kernel.numpy()) / rate
    # The difference of two weights has the rounding of the weights in it, divided by the rate.
    np.testing.assert_allclose(got, slope, atol=4 * EPS * (np.abs(w).max() / rate + np.abs(slope).max() * 8))


def test_every_argument_counts(rng):
    def l2(x):
        return (np.asarray(x, np.float64) ** 2).sum()

    factor = {name: keras.regularizers.L2(2.0**-i) for i, name in enumerate("abcdefghij")}
    built = [
        (layers.Conv2D(3, 3, kernel_regularizer=factor["a"], bias_regularizer=factor["b"]), "ab"),
        (layers.DepthwiseConv2D(2, depthwise_regularizer=factor["c"], bias_regularizer=factor["d"]), "cd"),
        (
            layers.SeparableConv2D(
                3, 2, depthwise_regularizer=factor["e"], pointwise_regularizer=factor["f"],
                bias_regularizer=factor["g"],
            ),
            "efg",
        ),
        (layers.BatchNormalization(gamma_regularizer=factor["h"], beta_regularizer=factor["i"]), "hi  "),
    ]  # fmt: skip
    model = keras.Sequential([keras.Input((8, 8, 2)), *(layer for layer, _ in built), layers.Flatten()])
    model.set_weights([np.abs(normal(rng, *w.shape)) for w in model.get_weights()])
    model.compile("sgd", "mse")
    x = normal(rng, 7, 8, 8, 2)
    plain = ((model.predict(x) - 1) ** 2).mean()
    expected = plain + sum(
        factor[name].l2 * l2(weight)
        for layer, names in built
        for name, weight in zip(names, layer.get_weights(), strict=True)
        if name != " "
    )
    y = np.ones((7, *model.output_shape[1:]))
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    built[0][0].trainable = False  # weights that do not train have no penalty, as in Keras
    model.compile("sgd", "mse")
    kernel, bias = built[0][0].get_weights()
    expected -= factor["a"].l2 * l2(kernel) + factor["b"].l2 * l2(bias)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("samples", [1, 7, 128, 300])
def test_activity_is_a_sum_over_the_output_by_the_number_of_samples(samples, rng):
    dense = layers.Dense(3, activation="tanh", activity_regularizer=regularizers.L1L2(0.1, 0.2))
    model = keras.Sequential([keras.Input((4,)), dense, layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = normal(rng, samples, 4), normal(rng, samples, 1)
    h = dense(x).astype(np.float64)
    plain = ((model.predict(x).astype(np.float64) - y) ** 2).mean()
    expected = plain + (0.1 * np.abs(h).sum() + 0.2 * (h**2).sum()) / samples
    assert model.evaluate(x, y, batch_size=samples, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(x, y) == pytest.approx(expected, rel=1e-5)


def test_activity_gradients(rng):
    """Zero targets of a linear output: L2 of the output is the squared error, up to a factor."""
    models = [
        keras.Sequential([keras.Input((4,)), layers.Dense(3, activity_regularizer=regularizer)])
        for regularizer in (None, regularizers.L2(1.0))
    ]
    models[1].set_weights(models[0].get_weights())
    x = normal(rng, 200, 4)
    models[0].compile(keras.optimizers.SGD(0.3), "mse")  # a mean over three outputs, not a sum
    models[1].compile(keras.optimizers.SGD(0.1), lambda y, p: 0.0 * ops.sum(p, axis=-1))
    for model in models:
        model.fit(x, np.zeros((200, 3)), batch_size=50, shuffle=False, verbose=0)
    for ours, theirs in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_activity_of_a_shared_layer_counts_for_each_call(rng):
    x = keras.Input((4,))
    shared = layers.Dense(4, activity_regularizer="l2")
    model = keras.Model(x, shared(shared(x)))
    model.compile("sgd", "mse")
    data = normal(rng, 9, 4)
    first, second = shared(data), shared(shared(data))
    y = np.zeros((9, 4))
    expected = (second**2).mean() + 0.01 * ((first**2).sum() + (second**2).sum()) / 9
    assert model.evaluate(data, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_several_outputs_keep_their_losses(rng):
    x = keras.Input((4,))
    a, b = (layers.Dense(2, kernel_regularizer="l2", name=name)(x) for name in "ab")
    model = keras.Model(x, [a, b])
    model.compile("sgd", "mse")
    data, y = normal(rng, 9, 4), normal(rng, 9, 2)
    logs = model.evaluate(data, [y, y], verbose=0, return_dict=True)
    penalty = 0.01 * sum((layer.kernel.numpy() ** 2).sum() for layer in model.layers[1:])
    assert logs["loss"] == pytest.approx(logs["a_loss"] + logs["b_loss"] + penalty, rel=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: regularizers.L1(0.25),
        lambda: regularizers.L2(0.25),
        lambda: regularizers.L1L2(0.25, 0.5),
        lambda: regularizers.OrthogonalRegularizer(0.25, "columns"),
    ],
)
def test_configurations(make):
    regularizer = make()
    copy = regularizers.deserialize(regularizers.serialize(regularizer))
    assert type(copy) is type(regularizer)
    assert copy.get_config() == regularizer.get_config()
    dense = layers.Dense(2, kernel_regularizer=regularizer, activity_regularizer=make())
    config = layers.Dense.from_config(dense.get_config()).get_config()
    assert config == dense.get_config()
    assert config["activity_regularizer"] == config["kernel_regularizer"]


def test_names():
    assert type(regularizers.get("l1")) is regularizers.L1
    assert type(regularizers.get("L2")) is regularizers.L2
    assert type(regularizers.get(regularizers.L1L2)) is regularizers.l1_l2
    assert type(regularizers.get("orthogonal_regularizer")) is regularizers.OrthogonalRegularizer
    assert regularizers.get(None) is None
    assert regularizers.serialize(None) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regularizers.get("l3"), "Unknown regularizer: 'l3'"),
        (lambda: regularizers.get(3), "Unknown regularizer: 3"),
        (lambda: regularizers.L1("a"), "L1: l1 is 'a'"),
        (lambda: regularizers.L2(-1.0), "L2: l2 is -1"),
        (lambda: regularizers.L1L2(l1=np.inf), "l1 is inf"),
        (lambda: regularizers.OrthogonalRegularizer(mode="x"), "mode is 'x'"),
        (lambda: regularizers.OrthogonalRegularizer()(np.ones((2, 2, 2))), "takes a matrix"),
        (lambda: regularizers.OrthogonalRegularizer()(np.ones((1, 2))), "at least two rows"),
        (lambda: regularizers.serialize(lambda w: w), "cannot be described"),
    ],
)
def test_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize("argument", ["kernel_regularizer", "activity_regularizer"])
def test_what_is_no_number_is_refused_by_the_layer_s_name(argument):
    dense = layers.Dense(2, name="wide", **{argument: ops.square})
    model = keras.Sequential([keras.Input((3,)), dense])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"wide.*expected one number"):
        model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))


@pytest.mark.parametrize("kind", ["initializer", "regularizer", "constraint"])
def test_add_weight_takes_names(kind):
    names = {"initializer": "ones", "regularizer": "l2", "constraint": "non_neg"}

    class Scale(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((input_shape[-1],), **{kind: names[kind]})

        def call(self, x):
            return x * self.w

    layer = Scale()
    layer.build((None, 3))
    assert getattr(layer.w, kind) is not None
    if kind == "initializer":
        np.testing.assert_array_equal(layer.w.numpy(), np.ones(3))
