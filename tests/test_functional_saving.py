"""Functional models as configurations and files."""

import json

import numpy as np
import pytest
from functional import data, residual, same_weights, trained, twins
from helpers import normal
from hypothesis import given
from hypothesis import strategies as st

import pycnn as keras
from pycnn import layers


def test_configuration(rng):
    model = residual()
    config = json.loads(json.dumps(model.get_config()))
    assert config["input_layers"] == ["image", 0, 0]
    assert config["output_layers"] == ["out", 0, 0]
    for copy in (
        keras.Model.from_config(config),
        keras.models.clone_model(model),
        keras.models.model_from_json(model.to_json()),
    ):
        assert copy.get_config() == model.get_config()
        assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
        copy.set_weights(model.get_weights())
        x, _ = data(rng)
        np.testing.assert_array_equal(copy.predict(x), model.predict(x))
    model.trainable = False
    assert not keras.models.clone_model(model).trainable


def test_a_loaded_model_goes_on_as_the_saved_one(rng, tmp_path):
    model = residual()
    x, y = data(rng)
    trained(model, x, y)
    model.save(tmp_path / "m.safetensors")
    copy = keras.models.load_model(tmp_path / "m.safetensors")
    assert type(copy) is keras.Model
    same_weights(copy, model)
    results = [each.fit(x, y, batch_size=16, shuffle=False, verbose=0).history for each in (model, copy)]
    assert results[0] == results[1]
    same_weights(copy, model)


def test_mixed_precision(rng, tmp_path):
    x, y = data(rng)
    plain = residual()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = residual()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model.set_weights(plain.get_weights())
    assert model.get_layer("shared").compute_dtype == "bfloat16"
    difference = np.abs(model.predict(x) - plain.predict(x)).max()
    assert 0 < difference < 0.05
    trained(model, x, y)
    model.save(tmp_path / "m.safetensors")
    copy = keras.models.load_model(tmp_path / "m.safetensors")
    assert copy.get_config() == model.get_config()
    np.testing.assert_array_equal(copy.predict(x), model.predict(x))


def test_weights_in_files(rng, tmp_path):
    model, other = residual(), residual()
    model.save_weights(tmp_path / "w.safetensors")
    other.load_weights(tmp_path / "w.safetensors")
    same_weights(model, other)
    with pytest.raises(ValueError, match="lacks weights"):
        twins(residual("inner")).load_weights(tmp_path / "w.safetensors")


def edited(edit):
    config = json.loads(json.dumps(residual().get_config()))
    edit(config, {entry["name"]: entry for entry in config["layers"]})
    return config


def origin(layer, history):
    """Edits where the first call of a layer takes its input from."""

    def edit(_, entries):
        symbol = entries[layer]["inbound_nodes"][0]["args"][0]
        symbol = symbol[0] if isinstance(symbol, list) else symbol
        symbol["config"]["keras_history"] = history

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c, e: c.pop("layers"), "needs a list `layers`"),
        (lambda c, e: c.pop("input_layers"), "names no call of a layer"),
        (lambda c, e: c.update(output_layers=[["out", 1, 0]]), "expected calls of layers"),
        (lambda c, e: c.update(output_layers=[["out", 0, 0], ["a", 0, 7]]), "expected calls of layers"),
        (lambda c, e: c.update(output_layers="out"), "names no call"),
        (lambda c, e: c.update(input_layers=[["shared", 1, 0]]), "Graph disconnected"),
        (lambda c, e: c["layers"].append(e["a"]), "'a' is used by several layers"),
        (lambda c, e: e["a"].update(class_name="Lambda"), "Lambda 'a' holds functions"),
        (lambda c, e: e["a"].update(inbound_nodes=3), "expected a list"),
        (lambda c, e: e["a"].update(inbound_nodes=[]), "not part of a model"),
        (lambda c, e: e["a"].update(inbound_nodes=[3]), "expected `args` with one entry"),
        (lambda c, e: e["a"]["inbound_nodes"][0].update(args=[]), "expected `args` with one entry"),
        (lambda c, e: e["a"]["inbound_nodes"][0].update(args=[3]), "3, which is no symbol"),
        (
            lambda c, e: e["a"]["inbound_nodes"][0].update(kwargs={"training": "x"}),
            "was called with training='x'",
        ),
        (lambda c, e: e["sum"]["inbound_nodes"][0].update(args=[[]]), "on a list of inputs"),
        (origin("a", ["out", 0, 0]), "not there, or go in a circle: a, "),
        (origin("a", ["a", 0, 0]), "go in a circle"),
        (origin("a", ["nobody", 0, 0]), "not there"),
        (origin("a", ["image", 1, 0]), "not there"),
        (origin("a", ["image", 0, 1]), "names no call"),
        (origin("a", ["image", -1, 0]), "not there"),
        (origin("a", [["image"], 0, 0]), "names no call"),
        (origin("sum", ["image", 0, 0]), "broadcast"),
        (origin("pool", ["drop", 0, 0]), "circle"),
    ],
)
def test_hostile_configurations(edit, message):
    with pytest.raises((ValueError, AttributeError), match=message):
        keras.Model.from_config(edited(edit))


def test_a_long_configuration_in_reverse_order():
    """Layers may be listed in any order, and many of them take no time that grows with their square."""
    x = inputs = keras.Input((2,))
    for i in range(2000):
        x = layers.ReLU(name=f"r{i}")(x)
    model = keras.Model(inputs, x)
    config = model.get_config()
    config["layers"].reverse()
    assert keras.Model.from_config(config).get_config() == model.get_config()


def test_models_inside_models_cannot_grow_without_bounds():
    inputs = keras.Input((2,), name="x")
    model = keras.Model(inputs, layers.ReLU(name="r")(inputs), name="m")
    config = json.dumps(model.serialize())
    twice = {"name": "m", "inbound_nodes": [{"args": [named(name)], "kwargs": {}} for name in "xm"]}
    for _ in range(40):
        outer = json.loads(config)
        outer["config"]["layers"][1] = json.loads(config) | twice
        outer["config"]["output_layers"] = ["m", 2, 0]  # counted from 1
        config = json.dumps(outer)
    with pytest.raises(ValueError, match="more than 16,384 times"):
        keras.models.model_from_json(config)


def named(layer):
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [layer, 0, 0]}}


@st.composite
def graphs(draw):
    """Layers on images (6, 6, 4), each behind a random earlier symbol, now and then a layer once more."""
    x = inputs = keras.Input((6, 6, 4))
    symbols, known = [x], []
    for _ in range(draw(st.integers(1, 12))):
        x = draw(st.sampled_from(symbols))
        kind = draw(st.integers(0, 5))
        if kind == 0:
            x = layers.BatchNormalization()(x)
        elif kind == 1:
            x = layers.Activation(draw(st.sampled_from(["relu", "tanh"])))(x)
        elif kind == 2:
            merge = draw(st.sampled_from([layers.Add, layers.Average, layers.Maximum, layers.Subtract]))
            x = merge()([x, draw(st.sampled_from(symbols))])
        elif kind == 3:
            both = layers.Concatenate()([x, draw(st.sampled_from(symbols))])
            x = layers.Conv2D(4, 1)(both)
        else:
            if kind == 4 or not known:
                known.append(layers.Conv2D(4, 3, padding="same", activation="relu"))
            x = draw(st.sampled_from(known))(x)
        symbols.append(x)
    return keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


@given(graphs())
def test_any_graph_can_be_written_and_read(model):
    text = model.to_json()
    copy = keras.models.model_from_json(text)
    assert copy.to_json() == text
    copy.set_weights(model.get_weights())
    x = normal(np.random.default_rng(0), 5, 6, 6, 4)
    y = normal(np.random.default_rng(1), 5, 2)
    np.testing.assert_array_equal(copy.predict(x), model.predict(x))
    losses = []
    for each in (model, copy):
        each.compile(keras.optimizers.SGD(0.01), "mse")
        losses.append([each.train_on_batch(x, y) for _ in range(2)])
    assert losses[0] == losses[1]
    same_weights(model, copy)
    model.summary(print_fn=lambda text: None)


def test_clones_are_compiled():
    """As their model, with an optimizer and metrics of their own; functions without a name, too."""
    a, b = keras.Input((3,)), keras.Input((3,))
    dense = keras.layers.Dense(2, name="p")
    model = keras.Model([a, b], [dense(a), keras.layers.Dense(1, name="q")(b)])
    losses = [lambda y, z: keras.ops.mean(keras.ops.square(y - z), axis=-1), "mae"]
    metric = keras.metrics.MeanSquaredError()
    model.compile(keras.optimizers.Adam(0.25), losses, metrics=[[metric], ["mae"]], loss_weights=[1, 3])
    x, y = [np.eye(3)] * 2, [np.ones((3, 2)), np.ones((3, 1))]
    model.fit(x, y, verbose=0)
    clone = keras.models.clone_model(model)
    assert clone.optimizer is not model.optimizer
    assert (float(clone.optimizer.learning_rate), int(clone.optimizer.iterations)) == (0.25, 0)
    clone.set_weights(model.get_weights())
    assert clone.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert not keras.models.clone_model(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])).compiled
