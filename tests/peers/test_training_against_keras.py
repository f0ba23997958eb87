"""Training against Keras: the same weights and data give the same losses, metrics and weights."""

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

OPTIMIZERS = [
    ("SGD", {"learning_rate": 0.05}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("RMSprop", {}),
    ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.5, "centered": True, "epsilon": 1e-3}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3, "amsgrad": True}),
]
# Loss with its arguments, activation and units of the last layer, metrics.
LOSSES = [
    ("SparseCategoricalCrossentropy", {}, "softmax", 5, ["accuracy", "sparse_categorical_accuracy"]),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, None, 5, ["acc"]),
    ("CategoricalCrossentropy", {}, "softmax", 5, ["accuracy"]),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "softmax", 5, ["categorical_accuracy"]),
    ("CategoricalCrossentropy", {"from_logits": True}, None, 5, []),
    ("BinaryCrossentropy", {}, "sigmoid", 1, ["accuracy"]),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "sigmoid", 3, ["accuracy"]),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "sigmoid", 1, []),
    ("BinaryCrossentropy", {"from_logits": True}, None, 3, ["binary_accuracy"]),
    ("MeanSquaredError", {}, "tanh", 3, ["accuracy"]),
    ("MeanSquaredError", {}, "tanh", 1, ["accuracy"]),
]


def pair(layers_of, loss, optimizer, metrics, rng):
    """The same model in pycnn and in Keras, with the same weights."""
    models = []
    for module in (pycnn, keras):
        model = module.Sequential([module.Input((8, 8, 2)), *layers_of(module.layers)])
        name, arguments = loss
        kind, options = optimizer
        model.compile(
            getattr(module.optimizers, kind)(**options),
            getattr(module.losses, name)(**arguments),
            metrics=metrics,
        )
        models.append(model)
    weights = [0.3 * normal(rng, *w.shape) for w in models[0].get_weights()]
    for model in models:
        model.set_weights(
            [np.abs(w) if "moving" in v.path else w for w, v in zip(weights, model.weights, strict=True)]
        )
    return models


def dense_network(activation, units):
    return lambda k: [
        k.Conv2D(4, 3, activation="relu"),
        k.MaxPooling2D(2),
        k.Flatten(),
        k.Dense(units, activation),
    ]


def labels(rng, loss, units, n):
    if loss.startswith("Sparse"):
        return rng.integers(0, units, n)
    if loss.startswith("Categorical"):
        return np.eye(units)[rng.integers(0, units, n)]
    if loss.startswith("Binary"):
        return rng.integers(0, 2, (n, units))
    return normal(rng, n, units)


def agree(ours, theirs, rtol=2e-4):
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * 0.1)


@pytest.mark.parametrize(("kind", "options"), OPTIMIZERS)
def test_optimizer(rng, kind, options):
    ours, theirs = pair(
        dense_network("softmax", 5), ("SparseCategoricalCrossentropy", {}), (kind, options), ["accuracy"], rng
    )
    x, y = normal(rng, 40, 8, 8, 2), rng.integers(0, 5, 40)
    a = ours.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    b = theirs.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    assert list(a.history) == list(b.history)
    for name, values in a.history.items():
        np.testing.assert_allclose(values, b.history[name], rtol=2e-4)
    agree(ours, theirs)
    assert ours.optimizer.iterations == int(theirs.optimizer.iterations)
    ours_config, theirs_config = ours.optimizer.get_config(), theirs.optimizer.get_config()
    assert ours_config.keys() == theirs_config.keys()
    for config in (ours_config, theirs_config):  # numbered by those that other tests have made
        config["name"] = config["name"].rstrip("_0123456789")
    for name, value in ours_config.items():
        assert theirs_config[name] == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(("loss", "arguments", "activation", "units", "metrics"), LOSSES)
def test_loss_and_metrics(rng, loss, arguments, activation, units, metrics):
    ours, theirs = pair(dense_network(activation, units), (loss, arguments), ("SGD", {}), metrics, rng)
    x, y = normal(rng, 50, 8, 8, 2), labels(rng, loss, units, 50)
    weight = rng.random(50)
    for options in ({}, {"sample_weight": weight}):
        a, b = (model.evaluate(x, y, verbose=0, return_dict=True, **options) for model in (ours, theirs))
        assert list(a) == list(b)
        assert a == pytest.approx(b, rel=2e-5)
        a, b = (
            model.fit(
                x, y, batch_size=20, epochs=2, shuffle=False, validation_split=0.3, verbose=0, **options
            )
            for model in (ours, theirs)
        )
        assert list(a.history) == list(b.history)
        for name, values in a.history.items():
            np.testing.assert_allclose(values, b.history[name], rtol=2e-4)
    np.testing.assert_allclose(ours.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0), rtol=2e-4)
    np.testing.assert_allclose(ours.train_on_batch(x, y), theirs.train_on_batch(x, y), rtol=2e-4)
    np.testing.assert_allclose(ours.test_on_batch(x, y), theirs.test_on_batch(x, y), rtol=2e-4)
    agree(ours, theirs)
    p = theirs.predict(x, verbose=0)
    value = float(getattr(keras.losses, loss)(**arguments)(y, p, sample_weight=weight))
    assert getattr(pycnn.losses, loss)(**arguments)(y, p, sample_weight=weight) == pytest.approx(
        value, rel=2e-5
    )
    each = keras.ops.convert_to_numpy(getattr(keras.losses, loss)(**arguments, reduction=None)(y, p))
    np.testing.assert_allclose(
        getattr(pycnn.losses, loss)(**arguments, reduction=None)(y, p), each, rtol=2e-4, atol=1e-6
    )


def test_class_weight(rng):
    ours, theirs = pair(
        dense_network("softmax", 5), ("SparseCategoricalCrossentropy", {}), ("Adam", {}), [], rng
    )
    x, y = normal(rng, 40, 8, 8, 2), rng.integers(0, 5, 40)
    for model in (ours, theirs):
        model.fit(x, y, class_weight={0: 3.0, 2: 0.25}, shuffle=False, epochs=2, verbose=0)
    agree(ours, theirs)


@pytest.mark.parametrize("trainable", [True, False])
def test_batch_normalization(rng, trainable):
    def layers_of(k):
        return [
            k.Conv2D(4, 3, use_bias=False),
            k.BatchNormalization(trainable=trainable),
            k.ReLU(),
            k.DepthwiseConv2D(3, padding="same"),
            k.BatchNormalization(momentum=0.5, center=False),
            k.AveragePooling2D(2),
            k.GlobalAveragePooling2D(),
            k.Dense(5),
        ]

    loss = ("SparseCategoricalCrossentropy", {"from_logits": True})
    ours, theirs = pair(layers_of, loss, ("SGD", {"learning_rate": 0.05}), [], rng)
    x, y = normal(rng, 40, 8, 8, 2), rng.integers(0, 5, 40)
    a = ours.fit(x, y, batch_size=20, epochs=3, shuffle=False, verbose=0)
    b = theirs.fit(x, y, batch_size=20, epochs=3, shuffle=False, verbose=0)
    np.testing.assert_allclose(a.history["loss"], b.history["loss"], rtol=2e-4)
    agree(ours, theirs, 1e-3)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x, verbose=0), rtol=1e-3, atol=1e-4)


def test_training_after_freezing(rng):
    ours, theirs = pair(
        dense_network("softmax", 5), ("SparseCategoricalCrossentropy", {}), ("Adam", {}), [], rng
    )
    x, y = normal(rng, 40, 8, 8, 2), rng.integers(0, 5, 40)
    for model in (ours, theirs):
        model.fit(x, y, shuffle=False, verbose=0)
        model.layers[0].trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, shuffle=False, verbose=0, epochs=2)
    agree(ours, theirs)


def test_metrics_on_arrays(rng):
    y, p = rng.integers(0, 2, (30, 4)), rng.random((30, 4)).astype(np.float32)
    weight = rng.random(30)
    for name, arguments, truth in (
        ("BinaryAccuracy", {}, y),
        ("BinaryAccuracy", {"threshold": 0.3}, y),
        ("CategoricalAccuracy", {}, y),
        ("SparseCategoricalAccuracy", {}, rng.integers(0, 4, 30)),
    ):
        ours, theirs = (getattr(module.metrics, name)(**arguments) for module in (pycnn, keras))
        for metric in (ours, theirs):
            metric.update_state(truth, p)
            metric.update_state(truth, p, sample_weight=weight)
        assert ours.result() == pytest.approx(float(theirs.result()), rel=1e-6)
        assert ours.get_config() == theirs.get_config()


def test_to_categorical():
    for x in ([0, 2, 1], [[1], [0]], np.array([[0, 1], [2, 0]])):
        np.testing.assert_array_equal(pycnn.utils.to_categorical(x), keras.utils.to_categorical(x))
        np.testing.assert_array_equal(pycnn.utils.to_categorical(x, 5), keras.utils.to_categorical(x, 5))
    x = normal(np.random.default_rng(0), 3, 4)
    np.testing.assert_allclose(pycnn.utils.normalize(x), keras.utils.normalize(x), rtol=1e-6)
