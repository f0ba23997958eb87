"""Every form of layers that normalize, merge, drop and activate against Keras.

Outputs, weights after ten steps of SGD, and so gradients, shapes and configurations; noise, whose random
numbers differ, by its inference and its moments.
"""

import json
import os
import re

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers

# All layers are one network, so that XLA compiles it once; its optimizations would take most of the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

# Class, arguments, the shapes of its inputs' samples. Both sides compute in float32.
FORMS = [
    ("LayerNormalization", {}, [(6,)]),
    ("LayerNormalization", {"axis": [1, 2], "center": False}, [(4, 3, 5)]),
    ("LayerNormalization", {"axis": [-1, 1], "epsilon": 0.1}, [(4, 3, 5)]),
    ("LayerNormalization", {"axis": 2, "scale": False, "beta_initializer": "ones"}, [(4, 3, 5)]),
    ("LayerNormalization", {"rms_scaling": True}, [(4, 5)]),
    (
        "LayerNormalization",
        {"axis": (2, 1), "gamma_regularizer": "l2", "gamma_constraint": "non_neg"},
        [(4, 3)],
    ),
    ("GroupNormalization", {"groups": 2}, [(4, 3, 6)]),
    ("GroupNormalization", {"groups": -1, "scale": False}, [(4, 3, 5)]),
    ("GroupNormalization", {"groups": 1, "center": False, "epsilon": 0.1}, [(4, 3, 5)]),
    ("GroupNormalization", {"groups": 2, "axis": 1}, [(4, 3, 5)]),
    ("GroupNormalization", {"groups": 3, "axis": 2}, [(4, 6)]),
    ("GroupNormalization", {"groups": 3}, [(6,)]),
    ("RMSNormalization", {}, [(4, 6)]),
    ("RMSNormalization", {"axis": [2, 3], "epsilon": 0.1}, [(4, 3, 5)]),
    ("UnitNormalization", {}, [(4, 6)]),
    ("UnitNormalization", {"axis": [1, 3]}, [(4, 3, 5)]),
    ("BatchNormalization", {"axis": 1, "momentum": 0.5}, [(4, 3, 5)]),
    ("BatchNormalization", {"axis": -2, "center": False, "epsilon": 0.1}, [(4, 3, 5)]),
    ("BatchNormalization", {"axis": 1, "scale": False, "moving_mean_initializer": "ones"}, [(4, 3)]),
    ("BatchNormalization", {"moving_variance_initializer": "zeros", "gamma_regularizer": "l2"}, [(6,)]),
    ("Normalization", {"mean": [1.0, 2.0, 3.0], "variance": [4.0, 1.0, 0.0]}, [(4, 3)]),
    ("Normalization", {"axis": None, "mean": 2.0, "variance": 9.0, "invert": True}, [(4, 3)]),
    ("Normalization", {"axis": (1, -1), "mean": 2.0, "variance": 9.0}, [(4, 3)]),
    ("Normalization", {"axis": (1, 2), "mean": [[1.0], [2.0]], "variance": [[1.0], [4.0]]}, [(2, 3)]),
    ("Rescaling", {"scale": 2.0, "offset": 1.0}, [(4, 3)]),
    ("PReLU", {"alpha_initializer": "ones"}, [(4, 3)]),
    ("PReLU", {"shared_axes": [1, 2], "alpha_regularizer": "l2"}, [(4, 3, 5)]),
    ("PReLU", {"shared_axes": 1, "alpha_constraint": "non_neg"}, [(4, 3)]),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.2, "threshold": 0.3}, [(4, 3)]),
    ("LeakyReLU", {"negative_slope": 0.1}, [(4, 3)]),
    ("ELU", {"alpha": 0.7}, [(4, 3)]),
    ("Softmax", {}, [(4, 3)]),
    ("Softmax", {"axis": 1}, [(4, 3, 5)]),
    ("Softmax", {"axis": [1, 3]}, [(4, 3, 5)]),
    ("Softmax", {"axis": [-2]}, [(4, 3)]),
    ("Activation", {"activation": "squareplus"}, [(4, 3)]),
    ("Dense", {"units": 3, "activation": "tanh_shrink"}, [(6,)]),
    ("Dense", {"units": 3, "activation": "soft_shrink", "activity_regularizer": "l2"}, [(2, 4, 6)]),
    ("Dense", {"units": 3, "kernel_constraint": "unit_norm"}, [(2, 2, 3, 4)]),
    ("Add", {}, [(4, 3), (4, 3), (1, 3)]),
    ("Add", {}, [(4, 3, 5), (5,)]),
    ("Add", {}, [(4, 3)]),
    ("Subtract", {}, [(3,), (4, 3)]),
    ("Multiply", {}, [(4, 3, 5), (4, 1, 1), (5,)]),
    ("Average", {}, [(4, 3, 5), (1, 1, 5), (4, 3, 5)]),
    ("Maximum", {}, [(4, 3), (4, 1)]),
    ("Minimum", {}, [(3,), (4, 3), (1, 1)]),
    ("Concatenate", {}, [(4, 3), (4, 2)]),
    ("Concatenate", {"axis": 1}, [(4, 3, 5), (2, 3, 5), (1, 3, 5)]),
    ("Concatenate", {"axis": -2}, [(4, 3, 5), (4, 1, 5)]),
    ("Dot", {"axes": 1}, [(6,), (6,)]),
    ("Dot", {"axes": -1, "normalize": True}, [(6,), (6,)]),
    ("Dot", {"axes": (1, 2)}, [(3, 5), (4, 3)]),
    ("Dot", {"axes": (2, 1), "normalize": True}, [(3, 5), (5, 4)]),
    ("Dot", {"axes": [3, 1]}, [(3, 2, 5), (5, 4)]),
    ("Dot", {"axes": [-1, -1]}, [(3, 5), (5,)]),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, [(4, 3)]),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"}, [(6,)]),
    (
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (4, 2, 3), "bias_axes": "de", "activation": "relu"},
        [(4, 5)],
    ),
    ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 3, "bias_axes": "y"}, [(4, 5)]),
    ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 3, "bias_axes": "c"}, [(4, 2, 5)]),
    ("EinsumDense", {"equation": "abc,bcd->abd", "output_shape": (4, 3), "bias_axes": "b"}, [(4, 5)]),
    (
        "EinsumDense",
        {"equation": "abc,cd->adb", "output_shape": (3, 4), "kernel_regularizer": "l2"},
        [(4, 5)],
    ),
    ("SpatialDropout1D", {"rate": 0.3, "seed": 1}, [(4, 3)]),
    ("SpatialDropout2D", {"rate": 0.3}, [(4, 3, 5)]),
    ("SpatialDropout3D", {"rate": 0.3, "data_format": "channels_last"}, [(2, 4, 3, 5)]),
    ("Dropout", {"rate": 0.3, "noise_shape": (None, 1, 5), "seed": 7}, [(4, 5)]),
    ("AlphaDropout", {"rate": 0.3, "noise_shape": (None, 1)}, [(4,)]),
    ("GaussianDropout", {"rate": 0.3, "seed": 2}, [(4, 3)]),
    ("GaussianNoise", {"stddev": 0.3, "seed": 2}, [(4, 3)]),
]
IDS = [f"{name}-{i}" for i, (name, _, _) in enumerate(FORMS)]
MERGES = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"}
NOISE = {"Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise"}


def is_noise(name):
    return name in NOISE or name.startswith("Spatial")


def network(module):
    """All layers side by side, each between dense layers, so that all have gradients; an output for each."""
    k = module.layers
    inputs, outputs = [], []
    for i, (name, arguments, shapes) in enumerate(FORMS):
        own = [module.Input(shape, name=f"x{i}_{n}") for n, shape in enumerate(shapes)]
        given = [k.Dense(x.shape[-1], name=f"in{i}_{n}")(x) for n, x in enumerate(own)]
        y = getattr(k, name)(**arguments, name=f"layer{i}")(given if name in MERGES else given[0])
        outputs.append(k.Dense(2, name=f"out{i}")(y))
        inputs += own
    return module.Model(inputs, outputs)


def described(config):
    return json.loads(json.dumps(config))


class Trained:
    """The same network in pycnn and in Keras, with the same weights; what it predicts and learns."""

    def __init__(self):
        rng = np.random.default_rng(3)
        self.models = [network(pycnn), network(keras)]
        ours, theirs = self.models
        self.shapes = [
            {w.path: tuple(w.shape) for w in sorted(m.weights, key=lambda w: w.path)} for m in self.models
        ]
        start = {}
        for path, shape in self.shapes[0].items():
            values = 0.5 * normal(rng, *shape) + (0.0 if "kernel" in path else 0.2)
            start[path] = np.abs(values) + 0.5 if "variance" in path else values
        x = [normal(rng, 6, *symbol.shape[1:]) for symbol in ours.inputs]
        y = [normal(rng, 6, *shape[1:]) for shape in ours.output_shape]
        self.outputs, self.losses, self.weights = [], [], []
        for module, model in ((pycnn, ours), (keras, theirs)):
            model.set_weights([start[w.path] for w in model.weights])
            self.outputs.append(model.predict(x, verbose=0))
            model.compile(module.optimizers.SGD(0.02), ["mse"] * len(FORMS))
            for _ in range(10):
                model.train_on_batch(x, y)
            self.weights.append({w.path: keras.ops.convert_to_numpy(w.value) for w in model.weights})


@pytest.fixture(scope="module")
def trained():
    return Trained()


@pytest.mark.parametrize("number", range(len(FORMS)), ids=IDS)
def test_outputs_and_ten_steps(trained, number):
    ours, theirs = trained.models
    assert ours.output_shape[number] == theirs.output_shape[number]
    np.testing.assert_allclose(*(outputs[number] for outputs in trained.outputs), rtol=2e-5, atol=2e-5)
    if is_noise(FORMS[number][0]):
        return
    number_of = re.compile(rf"\D+{number}(_\d+)?")
    paths = [path for path in trained.weights[0] if number_of.fullmatch(path.split("/")[0])]
    assert len(paths) >= 4
    for path in paths:
        found, expected = (weights[path] for weights in trained.weights)
        scale = max(np.abs(expected).max(), 0.1)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * scale, err_msg=path)


def test_the_network(trained):
    ours, theirs = trained.models
    assert trained.shapes[0] == trained.shapes[1]
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    # Each reads what the other wrote.
    for text in (ours.to_json(), theirs.to_json()):
        read = pycnn.models.model_from_json(text)
        assert read.output_shape == ours.output_shape
        assert read.count_params() == ours.count_params() == theirs.count_params()
    assert pycnn.models.model_from_json(ours.to_json()).to_json() == ours.to_json()
    assert keras.models.model_from_json(ours.to_json()).count_params() == ours.count_params()


@pytest.mark.parametrize(("name", "arguments", "shapes"), FORMS, ids=IDS)
def test_configuration_and_shape(name, arguments, shapes):
    arguments = arguments | {"name": "layer"}
    layer, peer = (getattr(module.layers, name)(**arguments) for module in (pycnn, keras))
    ours, theirs = described(layers.serialize(layer)), described(keras.layers.serialize(peer))
    assert ours == theirs
    # Each reads what the other wrote.
    assert described(layers.serialize(layers.deserialize(theirs))) == ours
    assert described(keras.layers.serialize(keras.layers.deserialize(ours))) == ours
    several = [(None, *shape) for shape in shapes]
    given = several if name in MERGES else several[0]
    assert layer.compute_output_shape(given) == tuple(peer.compute_output_shape(given))


def test_gradients_where_activations_have_none():
    """At corners of their curves; but for leaky_relu, which has the slope of TensorFlow and PyTorch there."""
    x = np.array([[-6, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 6]], np.float32)
    along_axes = ("glu", "log_softmax", "softmax")
    for name in set(ACTIVATIONS) - {*along_axes, "leaky_relu"}:
        _, (expected,) = keras_peer.value_and_gradients(getattr(keras.activations, name), np.ones_like(x), x)
        with pycnn.GradientTape() as tape:
            tape.watch(symbol := pycnn.constant(x))
            y = getattr(pycnn.activations, name)(symbol)
        np.testing.assert_allclose(tape.gradient(y, symbol), expected, rtol=1e-5, atol=1e-5, err_msg=name)


ACTIVATIONS = sorted(n for n in dir(keras.activations) if not n.startswith("_"))
ACTIVATIONS = [n for n in ACTIVATIONS if n not in ("get", "serialize", "deserialize", "threshold")]
# Keras 3.15 sums all cumulated sums where it needs the last: its results do not add up to one.
ACTIVATIONS.remove("sparsemax")
VARIANTS = [
    *((name, {}) for name in ACTIVATIONS),
    ("threshold", {"threshold": 0.3, "default_value": -2.0}),
    ("gelu", {"approximate": True}),
    ("celu", {"alpha": 0.5}),
    ("elu", {"alpha": 0.5}),
    ("glu", {"axis": 1}),
    ("hard_shrink", {"threshold": 1.0}),
    ("soft_shrink", {"threshold": 1.0}),
    ("squareplus", {"b": 1.5}),
    ("softmax", {"axis": 1}),
    ("log_softmax", {"axis": -2}),
    ("relu", {"negative_slope": 0.1, "max_value": 1.0, "threshold": 0.2}),
    ("leaky_relu", {"negative_slope": 0.4}),
]


@pytest.mark.parametrize(
    ("name", "arguments"), VARIANTS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(VARIANTS)]
)
def test_activation(rng, name, arguments):
    """On arrays, on symbols, by name, as a layer, and the gradient."""
    x = 2 * normal(rng, 5, 4, 6)
    function, theirs = getattr(pycnn.activations, name), getattr(keras.activations, name)
    dy = normal(rng, *function(x, **arguments).shape)
    expected, (slope,) = keras_peer.value_and_gradients(lambda a: theirs(a, **arguments), dy, x)
    close = {"rtol": 2e-5, "atol": 2e-5}
    np.testing.assert_allclose(function(x, **arguments), expected, **close)
    inputs = [pycnn.Input(a.shape[1:]) for a in (x, dy)]
    y = function(inputs[0], **arguments)
    assert y.shape == (None, *expected.shape[1:])
    gradient = pycnn.ops.gradient(y * inputs[1], inputs[0]) if name != "linear" else inputs[1]
    found, gradient = pycnn.Model(inputs, [y + 0.0, gradient + 0.0]).predict([x, dy], verbose=0)
    np.testing.assert_allclose(found, expected, **close)
    np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-4)
    if arguments:
        return
    layer = layers.Activation(name)
    np.testing.assert_allclose(layer(x), expected, **close)
    assert layer.get_config()["activation"] == keras.layers.Activation(name).get_config()["activation"]
    assert layers.Activation(function).get_config() | {"name": ""} == layer.get_config() | {"name": ""}


def test_every_activation_is_there():
    assert set(ACTIVATIONS) | {"threshold", "sparsemax"} <= set(dir(pycnn.activations))


def test_softmax_with_a_mask(rng):
    x, mask = normal(rng, 3, 4, 5), rng.integers(0, 2, (3, 4, 5)).astype(bool)
    mask[0, 0] = False
    for axis, given in ((-1, mask), ([1, 2], mask), (1, mask[:, :, :1]), (-1, mask.astype(np.float32))):
        expected = keras.ops.convert_to_numpy(keras.layers.Softmax(axis)(x, mask=given))
        ours = layers.Softmax(axis)
        np.testing.assert_allclose(ours(x, mask=given), expected, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(ours(x, given), expected, rtol=2e-5, atol=1e-6)
        inputs = [pycnn.Input(a.shape[1:]) for a in (x, given)]
        model = pycnn.Model(inputs, ours(inputs[0], mask=inputs[1]))
        again = pycnn.models.model_from_json(model.to_json())
        for m in (model, again):
            y = m.predict([x, given.astype(np.float32)], verbose=0)
            np.testing.assert_allclose(y, expected, rtol=2e-5, atol=1e-6)


def test_adapted_normalization(rng):
    x = 3 * normal(rng, 12, 4, 3) + 2
    for axis in (-1, 1, None, (1, 2)):
        ours, theirs = layers.Normalization(axis), keras.layers.Normalization(axis)
        theirs.adapt(x)
        expected = [keras.ops.convert_to_numpy(w) for w in theirs.get_weights()]
        for batches in (x, [x[:5], x[5:]]):
            ours.adapt(batches)
            assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
            for a, b in zip(ours.get_weights(), expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(ours(x), keras.ops.convert_to_numpy(theirs(x)), rtol=2e-5, atol=2e-5)
        inverse = layers.Normalization(axis, invert=True)
        inverse.build(x.shape)
        inverse.set_weights(ours.get_weights())
        np.testing.assert_allclose(inverse(ours(x)), x, rtol=2e-5, atol=2e-5)


def test_embedding(rng):
    x, y = rng.integers(0, 7, (8, 3)), normal(rng, 8, 2)
    models = []
    table, kernel = normal(rng, 7, 4), normal(rng, 12, 2)
    for module in (pycnn, keras):
        k = module.layers
        model = module.Sequential(
            [
                module.Input((3,), dtype="int32"),
                k.Embedding(7, 4, name="e"),
                k.Flatten(name="f"),
                k.Dense(2, name="d"),
            ]
        )
        model.set_weights([table, kernel, np.zeros(2)])
        model.compile(module.optimizers.SGD(0.1), "mse")
        models.append([model.train_on_batch(x, y) for _ in range(10)] + list(model.get_weights()))
        assert k.Embedding(7, 4, weights=[table]).get_weights()[0].shape == (7, 4)
    for a, b in zip(*models, strict=True):
        np.testing.assert_allclose(a, keras.ops.convert_to_numpy(b), rtol=1e-4, atol=1e-5)
    config = layers.Embedding(7, 4, name="e").get_config()
    assert config == keras.layers.Embedding(7, 4, name="e").get_config()


def test_time_distributed(rng):
    x, y = normal(rng, 6, 2, 3, 4, 2), normal(rng, 6, 2, 2)

    def build(module):
        k = module.layers
        inputs = module.Input((2, 3, 4, 2))
        a = k.TimeDistributed(k.Conv2D(3, 2, activation="tanh", name="c"), name="t")(inputs)
        a = k.TimeDistributed(k.BatchNormalization(momentum=0.5, name="b"), name="u")(a)
        a = k.TimeDistributed(k.Flatten(name="f"), name="v")(a)
        return module.Model(inputs, k.TimeDistributed(k.Dense(2, name="d"), name="w")(a))

    ours, theirs = build(pycnn), build(keras)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    theirs.set_weights(ours.get_weights())
    losses = []
    for module, model in ((pycnn, ours), (keras, theirs)):
        model.compile(module.optimizers.SGD(0.02), "mse")
        losses.append([model.train_on_batch(x, y) for _ in range(10)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    wrapped = [m.layers.TimeDistributed(m.layers.Dense(2, name="d"), name="t") for m in (pycnn, keras)]
    configs = [json.loads(json.dumps(layer.get_config())) for layer in wrapped]
    configs[1]["layer"].pop("build_config", None)
    assert configs[0] == configs[1]
    assert layers.TimeDistributed.from_config(configs[1]).get_config() == wrapped[0].get_config()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Dropout", {"rate": 0.3}),
        ("Dropout", {"rate": 0.3, "noise_shape": (None, 1, 50)}),
        ("Dropout", {"rate": 1.0}),
        ("SpatialDropout1D", {"rate": 0.3}),
        ("AlphaDropout", {"rate": 0.3}),
        ("GaussianDropout", {"rate": 0.3}),
        ("GaussianNoise", {"stddev": 0.3}),
    ],
)
def test_moments_of_noise(rng, name, arguments):
    """Mean and variance of many numbers, and which of them are the same, as in Keras."""
    x = np.full((40, 60, 50), 1.5, np.float32)
    ours = getattr(layers, name)(**arguments, seed=3)(x, training=True)
    theirs = keras.ops.convert_to_numpy(getattr(keras.layers, name)(**arguments, seed=3)(x, training=True))
    few = name.startswith("Spatial") or "noise_shape" in arguments
    sigmas = 8 / np.sqrt(2000 if few else x.size) * max(theirs.std(), 1e-6)
    assert abs(ours.mean() - theirs.mean()) < sigmas
    assert abs(ours.std() - theirs.std()) < sigmas
    for axis in range(3):
        assert (np.ptp(ours, axis=axis).max() == 0) == (np.ptp(theirs, axis=axis).max() == 0)
