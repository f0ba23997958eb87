"""Regularizers, constraints, schedules, clipping, accumulation and averages against Keras."""

import keras_peer
import numpy as np
import pytest
from helpers import normal
from test_schedules import SCHEDULES, STEPS

import pycnn

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def compare(make_layers, optimizer, rng, epochs=2, batch_size=16):
    """Both train the same layers from the same weights: histories, losses and weights agree."""
    models = []
    for module in (pycnn, keras):
        model = module.Sequential([module.Input((8, 8, 2)), *make_layers(module)])
        model.compile(optimizer(module), "sparse_categorical_crossentropy", metrics=["accuracy"])
        models.append(model)
    ours, theirs = models
    weights = [
        np.abs(w) if "moving" in v.path else w
        for w, v in zip([0.3 * normal(rng, *w.shape) for w in ours.get_weights()], ours.weights, strict=True)
    ]
    for model in models:
        model.set_weights(weights)
    x, y = normal(rng, 48, 8, 8, 2), rng.integers(0, 5, 48)
    before = [model.evaluate(x, y, verbose=0, batch_size=batch_size)[0] for model in models]
    np.testing.assert_allclose(before[0], before[1], rtol=2e-5)
    histories = [
        model.fit(x, y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0).history
        for model in models
    ]
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=2e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=5e-4, atol=5e-5)
    return models


def plain(k, **arguments):
    return [
        k.layers.Conv2D(4, 3, activation="tanh", **arguments),
        k.layers.MaxPooling2D(2),
        k.layers.Flatten(),
        k.layers.Dense(5, "softmax"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        lambda k: {"kernel_regularizer": "l2"},
        lambda k: {"kernel_regularizer": k.regularizers.L1(0.02), "bias_regularizer": k.regularizers.L2(0.5)},
        lambda k: {"kernel_regularizer": k.regularizers.L1L2(0.02, 0.03)},
        lambda k: {"kernel_regularizer": lambda w: 0.1 * k.ops.sum(k.ops.exp(w))},
        lambda k: {"activity_regularizer": k.regularizers.L1L2(0.01, 0.02)},
    ],
)
def test_regularizers(arguments, rng):
    compare(lambda k: plain(k, **arguments(k)), lambda k: k.optimizers.SGD(0.05), rng)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_regularizer(mode, rng):
    def make(k):
        return [
            k.layers.Flatten(),
            k.layers.Dense(6, "tanh", kernel_regularizer=k.regularizers.OrthogonalRegularizer(0.3, mode)),
            k.layers.Dense(5, "softmax"),
        ]

    compare(make, lambda k: k.optimizers.SGD(0.05), rng)


def test_every_layer_s_arguments(rng):
    # No L1 of what a constraint makes 0: the slope there is the backend's choice.
    def make(k):
        return [
            k.layers.DepthwiseConv2D(
                3, depthwise_regularizer="l2", bias_regularizer="l1", depthwise_constraint="max_norm"
            ),
            k.layers.SeparableConv2D(
                4, 2, depthwise_regularizer="l1", pointwise_regularizer="l2",
                pointwise_constraint="unit_norm", bias_constraint="non_neg",
            ),
            k.layers.BatchNormalization(
                beta_regularizer="l2", gamma_regularizer="l2", gamma_constraint="non_neg",
                beta_constraint="non_neg",
            ),
            k.layers.Flatten(),
            k.layers.Dense(5, "softmax", kernel_constraint="min_max_norm", activity_regularizer="l2"),
        ]  # fmt: skip

    ours, theirs = compare(make, lambda k: k.optimizers.SGD(0.05), rng)
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        mine, other = a.get_config(), b.get_config()
        for key, value in mine.items():
            if key.endswith(("regularizer", "constraint")):
                if value is None:
                    assert other[key] is None
                else:
                    assert value["class_name"] == other[key]["class_name"]
                    assert value["config"] == pytest.approx(other[key]["config"])


@pytest.mark.parametrize(
    "make",
    [
        lambda k: k.constraints.MaxNorm(0.5),
        lambda k: k.constraints.MaxNorm(0.5, axis=[0, 1, 2]),
        lambda k: k.constraints.NonNeg(),
        lambda k: k.constraints.UnitNorm(axis=[0, 1]),
        lambda k: k.constraints.MinMaxNorm(0.5, 0.6, 0.3, axis=[0, 1, 2]),
    ],
)
def test_constraints(make, rng):
    w = normal(rng, 3, 3, 2, 4)
    np.testing.assert_allclose(make(pycnn)(w), np.asarray(make(keras)(w)), rtol=1e-5, atol=1e-6)
    assert make(pycnn).get_config() == make(keras).get_config()
    compare(lambda k: plain(k, kernel_constraint=make(k)), lambda k: k.optimizers.Adam(0.01), rng)


@pytest.mark.parametrize("kind", ["SGD", "RMSprop", "Adam", "AdamW"])
@pytest.mark.parametrize(
    "options",
    [
        {"clipnorm": 0.05},
        {"clipvalue": 0.005},
        {"global_clipnorm": 0.1},
        {"use_ema": True, "ema_momentum": 0.8},
        {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
        {"gradient_accumulation_steps": 2},
        {"gradient_accumulation_steps": 4, "global_clipnorm": 0.1},
        {"gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.8},
        {"loss_scale_factor": 256.0},
    ],
    ids=lambda options: "-".join(options),
)
def test_options_of_optimizers(kind, options, rng):
    if kind == "RMSprop" and "gradient_accumulation_steps" in options:
        pytest.skip("its step divides by the root of tiny squares here, and rounding differs")
    ours, theirs = compare(
        lambda k: plain(k, kernel_constraint=k.constraints.MaxNorm(0.5)),
        lambda k: getattr(k.optimizers, kind)(0.01, **options),
        rng,
    )
    mine, other = ours.optimizer.get_config(), theirs.optimizer.get_config()
    for name in options:
        assert mine[name] == other[name]
    assert ours.optimizer.iterations == int(theirs.optimizer.iterations)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(
    "extra",
    [{}, {"staircase": True}, {"cycle": True}, {"t_mul": 1.0}, {"warmup_target": 0.2, "warmup_steps": 7}],
)
def test_schedules(name, extra):
    ours = getattr(pycnn.optimizers.schedules, name)
    if not extra.keys() <= set(ours.__init__.__code__.co_varnames):
        pytest.skip("has no such argument")
    arguments = SCHEDULES[name] | extra
    mine, theirs = ours(**arguments), getattr(keras.optimizers.schedules, name)(**arguments)
    for step in STEPS:
        np.testing.assert_allclose(mine(step), float(theirs(step)), rtol=1e-5, atol=1e-8)
    assert mine.get_config() == theirs.get_config()


@pytest.mark.parametrize("options", [{}, {"gradient_accumulation_steps": 2}])
def test_training_by_a_schedule(options, rng):
    def optimizer(k):
        return k.optimizers.SGD(k.optimizers.schedules.ExponentialDecay(0.1, 2, 0.7), **options)

    ours, theirs = compare(plain, optimizer, rng)
    assert ours.optimizer.learning_rate == pytest.approx(float(theirs.optimizer.learning_rate), rel=1e-5)
    with pytest.raises(TypeError, match="not settable"):
        theirs.optimizer.learning_rate = 0.5
    with pytest.raises(TypeError, match="not settable"):
        ours.optimizer.learning_rate = 0.5
