"""Layers against Keras: outputs, configurations, names, initial values, and the look of a summary."""

import json

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers

keras = keras_peer.load()
BACKEND = keras.backend.backend()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

# Class, its arguments, the shape of a sample.
CASES = [
    ("Conv2D", {"filters": 5, "kernel_size": 3}, (9, 8, 3)),
    (
        "Conv2D",
        {"filters": 5, "kernel_size": (3, 2), "padding": "same", "strides": 2, "activation": "relu"},
        (9, 8, 3),
    ),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": (1, 2), "use_bias": False}, (9, 8, 1)),
    ("Conv2D", {"filters": 2, "kernel_size": 1, "activation": "elu", "bias_initializer": "ones"}, (9, 8, 3)),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, (9, 8, 3)),
    ("DepthwiseConv2D", {"kernel_size": (2, 3), "strides": (2, 2), "activation": "tanh"}, (9, 8, 3)),
    (
        "SeparableConv2D",
        {"filters": 4, "kernel_size": 3, "depth_multiplier": 2, "padding": "same"},
        (9, 8, 3),
    ),
    (
        "SeparableConv2D",
        {"filters": 4, "kernel_size": 3, "strides": 2, "activation": "relu", "use_bias": False},
        (9, 8, 3),
    ),
    ("Dense", {"units": 4, "activation": "softmax"}, (7,)),
    ("Dense", {"units": 4, "activation": "gelu", "use_bias": False}, (5, 7)),
    ("MaxPooling2D", {}, (9, 8, 3)),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, (9, 8, 3)),
    ("AveragePooling2D", {"pool_size": 2}, (9, 8, 3)),
    ("AveragePooling2D", {"pool_size": (3, 2), "strides": 1, "padding": "same"}, (9, 8, 3)),
    ("GlobalMaxPooling2D", {}, (9, 8, 3)),
    ("GlobalMaxPooling2D", {"keepdims": True}, (9, 8, 3)),
    ("GlobalAveragePooling2D", {}, (9, 8, 3)),
    ("GlobalAveragePooling2D", {"keepdims": True}, (9, 8, 3)),
    ("Flatten", {}, (4, 3, 2)),
    ("Reshape", {"target_shape": (6, -1)}, (4, 3, 2)),
    ("Dropout", {"rate": 0.4}, (4, 3)),
    ("BatchNormalization", {"epsilon": 0.1}, (4, 3, 2)),
    ("BatchNormalization", {"center": False, "scale": False, "axis": 1}, (5,)),
    ("Activation", {"activation": "softplus"}, (4, 3)),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.2, "threshold": 0.3}, (4, 3)),
    ("LeakyReLU", {}, (4, 3)),
    ("ELU", {"alpha": 0.7}, (4, 3)),
    ("Softmax", {}, (4, 3)),
    ("ZeroPadding2D", {}, (4, 3, 2)),
    ("ZeroPadding2D", {"padding": ((1, 2), (0, 3))}, (4, 3, 2)),
    ("Rescaling", {"scale": 0.5, "offset": -1.0}, (4, 3)),
]
IDS = [f"{name}-{i}" for i, (name, _, _) in enumerate(CASES)]
ACTIVATIONS = [
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "sigmoid", "tanh",
    "softplus", "softsign", "hard_sigmoid", "hard_silu", "hard_swish", "mish", "exponential", "softmax",
    "log_softmax",
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_output_and_weights(rng, name, arguments, shape):
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    ours.build((None, *shape))
    theirs.build((None, *shape))
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert ours.compute_output_shape((None, *shape)) == tuple(theirs.compute_output_shape((None, *shape)))
    weights = [np.abs(normal(rng, *w.shape)) for w in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    x = normal(rng, 3, *shape)
    np.testing.assert_allclose(ours(x), keras.ops.convert_to_numpy(theirs(x)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_configuration(name, arguments, shape):
    arguments = arguments | {"name": "layer"}
    ours = layers.serialize(getattr(layers, name)(**arguments))
    theirs = keras.layers.serialize(getattr(keras.layers, name)(**arguments))
    assert json.loads(json.dumps(ours)) == json.loads(json.dumps(theirs))
    # Each reads what the other wrote.
    assert layers.serialize(layers.deserialize(theirs)) == ours
    again = keras.layers.serialize(keras.layers.deserialize(ours))
    assert json.loads(json.dumps(again)) == json.loads(json.dumps(ours))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(rng, name):
    x = 3 * normal(rng, 4, 50)
    expected = keras.ops.convert_to_numpy(keras.activations.get(name)(x))
    np.testing.assert_allclose(pycnn.activations.get(name)(x), expected, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(layers.Activation(name)(x), expected, rtol=2e-6, atol=2e-6)
    assert (
        layers.Activation(name).get_config()["activation"]
        == keras.layers.Activation(name).get_config()["activation"]
    )


@pytest.mark.parametrize(
    "name",
    ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
     "random_normal", "random_uniform", "truncated_normal", "orthogonal", "zeros", "ones"],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(3, 3, 20, 40), (300, 70)])
def test_initializer(name, shape):
    """The same distribution: mean, standard deviation and largest value of some ten thousand numbers."""
    ours = pycnn.initializers.get(name)(shape)
    theirs = keras.ops.convert_to_numpy(keras.initializers.get(name)(shape))
    assert ours.dtype == np.float32
    scale = np.abs(theirs).max() or 1.0
    np.testing.assert_allclose(ours.mean(), theirs.mean(), atol=0.03 * scale)
    np.testing.assert_allclose(ours.std(), theirs.std(), rtol=0.03)
    if "uniform" in name or name == "truncated_normal" or "glorot" in name or "he" in name or "lecun" in name:
        np.testing.assert_allclose(np.abs(ours).max(), scale, rtol=0.01)
    config = keras.initializers.get(name).get_config()
    assert pycnn.initializers.get(name).get_config() == config


def network(module):
    k = module.layers
    return module.Sequential(
        [
            module.Input((28, 28, 1), name="image"),
            k.Conv2D(64, 3, activation="relu", name="a"),
            k.MaxPooling2D(2, name="pooling_with_a_rather_long_name"),
            k.BatchNormalization(name="b"),
            k.Flatten(name="c"),
            k.Dense(10, activation="softmax", name="d"),
        ],
        name="net",
    )


def test_configuration_of_a_model():
    ours, theirs = network(pycnn), network(keras)
    expected = json.loads(theirs.to_json())
    for entry in expected["config"]["layers"]:
        entry.pop("build_config", None)
    written = json.loads(ours.to_json())
    assert written["config"] == expected["config"]
    assert pycnn.models.model_from_json(theirs.to_json()).get_config() == ours.get_config()
    assert keras.models.model_from_json(ours.to_json()).output_shape == ours.output_shape


@pytest.mark.parametrize(
    "options", [{}, {"line_length": 60, "show_trainable": True}, {"line_length": 100}, {"line_length": 45}]
)
def test_summary(monkeypatch, options):
    monkeypatch.setenv("COLUMNS", "120")
    texts = []
    for module in (pycnn, keras):
        model = network(module)
        model.layers[0].trainable = False
        model.summary(print_fn=lambda text, **_: texts.append(text), **options)
    assert texts[0].splitlines() == texts[1].splitlines()


def test_names():
    keras.backend.clear_session()
    pycnn.backend.clear_session()
    for name, arguments, _ in CASES:
        assert getattr(layers, name)(**arguments).name == getattr(keras.layers, name)(**arguments).name
    assert pycnn.Sequential().name == keras.Sequential().name
    assert pycnn.Input((3,)).name == "input_layer"
