"""Functional models against Keras: order of layers, configurations, summaries, outputs, training."""

import json

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def residual(module):
    """A small residual network with batch normalization, a projection, and a convolution used twice."""
    k = module.layers

    def block(x, filters, stride, name):
        y = k.Conv2D(filters, 3, stride, padding="same", use_bias=False, name=f"{name}_conv1")(x)
        y = k.ReLU(name=f"{name}_relu1")(k.BatchNormalization(name=f"{name}_norm1")(y))
        y = k.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv2")(y)
        y = k.BatchNormalization(name=f"{name}_norm2")(y)
        if stride > 1:
            x = k.Conv2D(filters, 1, stride, use_bias=False, name=f"{name}_project")(x)
            x = k.BatchNormalization(name=f"{name}_norm3")(x)
        return k.Activation("relu", name=f"{name}_relu2")(k.Add(name=f"{name}_add")([y, x]))

    inputs = module.Input((12, 12, 3), name="image")
    x = k.Conv2D(8, 3, padding="same", activation="relu", name="stem")(inputs)
    x = block(block(x, 8, 1, "a"), 16, 2, "b")
    x = k.Dense(5, activation="softmax", name="out")(k.GlobalAveragePooling2D(name="pool")(x))
    return module.Model(inputs, x, name="residual")


def inception(module):
    """Branches side by side, every merging layer, a layer used twice."""
    k = module.layers
    inputs = module.Input((12, 12, 3), name="image")
    a = k.Conv2D(6, 1, activation="relu", name="a")(inputs)
    b = k.Conv2D(6, (1, 3), padding="same", activation="tanh", name="b")(inputs)
    c = k.AveragePooling2D(3, 1, padding="same", name="c")(inputs)
    shared = k.Conv2D(6, 3, padding="same", activation="tanh", name="shared")
    d = k.Maximum(name="max")([shared(a), shared(b)])
    e = k.Minimum(name="min")([a, b])
    f = k.Average(name="mean")([k.Subtract(name="difference")([a, b]), k.Multiply(name="product")([a, b]), d])
    x = k.Concatenate(name="join")([c, d, e, f])
    x = k.SeparableConv2D(8, 3, name="separable")(k.ZeroPadding2D(name="pad")(x))
    x = k.Dense(5, activation="softmax", name="out")(k.GlobalMaxPooling2D(name="pool")(x))
    return module.Model(inputs, x, name="inception")


NETWORKS = [residual, inception]


def pair(build, rng):
    """A network in pycnn and in Keras, with the same weights."""
    models = [build(pycnn), build(keras)]
    weights = [0.3 * normal(rng, *w.shape) for w in models[0].get_weights()]
    for model in models:
        model.set_weights(
            [
                np.abs(w) + 0.5 if "variance" in v.path else w
                for w, v in zip(weights, model.weights, strict=True)
            ]
        )
    return models


@pytest.mark.parametrize("build", NETWORKS)
def test_layers_and_weights(build):
    ours, theirs = build(pycnn), build(keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    assert [w.path for w in ours.trainable_weights] == [w.path for w in theirs.trainable_weights]
    assert ours.count_params() == theirs.count_params()


@pytest.mark.parametrize("build", NETWORKS)
def test_prediction(rng, build):
    ours, theirs = pair(build, rng)
    x = normal(rng, 20, 12, 12, 3)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x, verbose=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("build", NETWORKS)
@pytest.mark.parametrize("optimizer", [("SGD", {"learning_rate": 0.02, "momentum": 0.9}), ("Adam", {})])
def test_training(rng, build, optimizer):
    models = pair(build, rng)
    x, y = normal(rng, 64, 12, 12, 3), rng.integers(0, 5, 64)
    histories = []
    for module, model in zip((pycnn, keras), models, strict=True):
        name, options = optimizer
        model.compile(
            getattr(module.optimizers, name)(**options),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        histories.append(model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history)
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-5)
    for ours, theirs in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", NETWORKS)
def test_configuration(build):
    ours, theirs = build(pycnn), build(keras)
    expected = json.loads(theirs.to_json())
    for entry in expected["config"]["layers"]:
        entry.pop("build_config", None)
        for call in entry["inbound_nodes"]:
            call["kwargs"] = {key: value for key, value in call["kwargs"].items() if value is not None}
    written = json.loads(ours.to_json())
    for key in ("module", "class_name", "registered_name", "config"):
        assert written[key] == expected[key]
    assert pycnn.models.model_from_json(theirs.to_json()).get_config() == ours.get_config()
    again = keras.models.model_from_json(ours.to_json())
    assert [layer.name for layer in again.layers] == [layer.name for layer in theirs.layers]


@pytest.mark.parametrize("build", NETWORKS)
@pytest.mark.parametrize("options", [{}, {"line_length": 76}, {"line_length": 110, "show_trainable": True}])
def test_summary(monkeypatch, build, options):
    monkeypatch.setenv("COLUMNS", "120")
    texts = []
    for module in (pycnn, keras):
        model = build(module)
        model.get_layer("out").trainable = False
        model.summary(print_fn=lambda text, **_: texts.append(text), **options)
    assert texts[0].splitlines() == texts[1].splitlines()
