"""Layers of sequences and images against Keras, in every form: outputs, gradients, steps, configurations."""

import json

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

SEQUENCE, IMAGE = (9, 3), (7, 6, 3)
CONVOLUTION = (
    {},
    {"padding": "same", "strides": 2, "activation": "relu"},
    {"padding": "same", "dilation_rate": 2, "use_bias": False},
    {"kernel_size": 2, "strides": 3, "activation": "softmax"},
    {"padding": "SAME", "kernel_size": 4},
)
# No L1 where weights become 0: there the slope of jax.numpy.abs is 1.
REGULARIZED = {
    "activity_regularizer": "l2",
    "bias_initializer": "ones",
    "bias_regularizer": "l2",
    "bias_constraint": "non_neg",
}
TRANSPOSED = (
    {},
    {"strides": 2},
    {"strides": 2, "padding": "same", "activation": "relu"},
    {"strides": 2, "padding": "same", "kernel_size": 4, "use_bias": False},
    {"strides": 3, "kernel_size": 2},
    {"strides": 3, "kernel_size": 1, "padding": "same"},
    {"strides": 3, "kernel_size": 5, "padding": "same", "output_padding": 1, "activation": "softmax"},
    {"strides": 2, "kernel_size": 2, "padding": "same", "output_padding": 0},
    {"strides": 4, "kernel_size": 7, "output_padding": 3},
    {"dilation_rate": 2, "padding": "same", "activation": "tanh"},
    {"dilation_rate": 3, "kernel_size": 2},
)
POOLING = (
    {},
    {"pool_size": 3, "strides": 2, "padding": "same"},
    {"pool_size": 2, "strides": 1},
    {"pool_size": 3, "strides": 4},
)


def forms(name, sample, arguments, options):
    return [(name, arguments | option, sample) for option in options]


CASES = [
    *forms("Conv1D", SEQUENCE, {"filters": 6, "kernel_size": 3}, CONVOLUTION),
    *forms(
        "Conv1D",
        SEQUENCE,
        {"filters": 6, "kernel_size": 3},
        (
            {"padding": "causal"},
            {"padding": "causal", "dilation_rate": 2, "activation": "elu"},
            {"padding": "causal", "strides": 2},
            {"groups": 3},
            REGULARIZED | {"kernel_regularizer": "l2", "kernel_constraint": "max_norm"},
        ),
    ),
    *forms("Conv2D", IMAGE, {"filters": 6, "kernel_size": 3}, CONVOLUTION),
    *forms(
        "Conv2D",
        IMAGE,
        {"filters": 6, "kernel_size": (3, 2)},
        (
            {"groups": 3, "strides": (2, 1)},
            {"dilation_rate": (1, 3)},
            {"padding": "same", "dilation_rate": 9},
        ),
    ),
    *forms("DepthwiseConv1D", SEQUENCE, {"kernel_size": 3, "depth_multiplier": 2}, CONVOLUTION[1:4]),
    *forms("DepthwiseConv2D", IMAGE, {"kernel_size": 3, "depth_multiplier": 2}, CONVOLUTION),
    *forms(
        "DepthwiseConv2D",
        IMAGE,
        {"kernel_size": (3, 2)},
        (
            {"strides": 2, "dilation_rate": 2},
            REGULARIZED | {"depthwise_regularizer": "l2", "depthwise_constraint": "unit_norm"},
        ),
    ),
    *forms(
        "SeparableConv1D", SEQUENCE, {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}, CONVOLUTION[1:3]
    ),
    *forms("SeparableConv2D", IMAGE, {"filters": 5, "kernel_size": 3}, CONVOLUTION[1:4]),
    *forms(
        "SeparableConv2D",
        IMAGE,
        {"filters": 5, "kernel_size": (3, 2)},
        (
            REGULARIZED
            | {
                "pointwise_regularizer": "l2",
                "pointwise_constraint": "non_neg",
                "depthwise_initializer": "he_normal",
                "pointwise_initializer": "zeros",
            },
        ),
    ),
    *forms("Conv1DTranspose", SEQUENCE, {"filters": 4, "kernel_size": 3}, TRANSPOSED[2::2]),
    *forms("Conv2DTranspose", IMAGE, {"filters": 4, "kernel_size": 3}, TRANSPOSED),
    *forms(
        "Conv2DTranspose",
        IMAGE,
        {"filters": 4, "kernel_size": (2, 5)},
        (
            {"strides": (3, 1)},
            {"strides": (1, 4), "padding": "same", "output_padding": (0, 2)},
            {"dilation_rate": (1, 2)},
            REGULARIZED | {"kernel_regularizer": "l2", "kernel_constraint": "non_neg", "strides": 2},
        ),
    ),
    *forms("MaxPooling1D", SEQUENCE, {}, POOLING),
    *forms("MaxPooling2D", IMAGE, {}, POOLING),
    *forms("AveragePooling1D", SEQUENCE, {"pool_size": 2}, POOLING[1:3]),
    *forms("AveragePooling2D", IMAGE, {"pool_size": (3, 2)}, POOLING[:2]),
    *(
        (f"Global{kind}Pooling{rank}D", {"keepdims": keepdims}, sample)
        for kind in ("Max", "Average")
        for rank, sample in ((1, SEQUENCE), (2, IMAGE))
        for keepdims in (False, True)
    ),
    *forms("UpSampling1D", SEQUENCE, {}, ({}, {"size": 3})),
    *forms(
        "UpSampling2D",
        IMAGE,
        {},
        ({}, {"size": (1, 3)}, *({"size": (3, 2), "interpolation": i} for i in ("bilinear", "bicubic"))),
    ),
    *forms(
        "UpSampling2D", IMAGE, {"size": 4}, ({"interpolation": "lanczos3"}, {"interpolation": "lanczos5"})
    ),
    *forms("Cropping1D", SEQUENCE, {}, ({}, {"cropping": 2}, {"cropping": (0, 3)})),
    *forms(
        "Cropping2D", IMAGE, {}, ({}, {"cropping": 2}, {"cropping": (1, 2)}, {"cropping": ((1, 0), (2, 3))})
    ),
    *forms("ZeroPadding1D", SEQUENCE, {}, ({}, {"padding": 2}, {"padding": (0, 3)})),
    *forms(
        "ZeroPadding2D",
        IMAGE,
        {},
        ({}, {"padding": 2}, {"padding": (1, 2)}, {"padding": ((1, 0), (2, 3))}, {"padding": ((1, 0), 2)}),
    ),
    *forms("Permute", IMAGE, {}, ({"dims": (2, 1, 3)}, {"dims": (3, 1, 2)})),
    *forms("Permute", SEQUENCE, {}, ({"dims": (2, 1)}, {"dims": (1, 2)})),
    *forms("RepeatVector", (5,), {}, ({"n": 3}, {"n": 1})),
    *forms("Flatten", IMAGE, {}, ({},)),
    *forms("Flatten", (4,), {}, ({},)),
    *forms("Reshape", IMAGE, {}, ({"target_shape": (6, -1)}, {"target_shape": [126]})),
    *forms("Identity", IMAGE, {}, ({},)),
]
WITHOUT_FORMAT = (
    "UpSampling1D", "Cropping1D", "Permute", "RepeatVector", "Reshape", "Identity",
)  # fmt: skip
CASES += [
    (name, arguments | {"data_format": "channels_first"}, sample[-1:] + sample[:-1])
    for i, (name, arguments, sample) in enumerate(CASES)
    if name not in WITHOUT_FORMAT
    and (CASES[i - 1][0] != name or arguments.get("activation") == "softmax" or "Global" in name)
]
IDS = [f"{name}-{i}" for i, (name, _, _) in enumerate(CASES)]


def pair(rng, name, arguments, shape):
    """The layer of both, with the same weights."""
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    ours.build((None, *shape))
    theirs.build((None, *shape))
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    weights = [0.5 * normal(rng, *w.shape) for w in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    return ours, theirs


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_outputs_and_gradients(rng, name, arguments, shape):
    ours, theirs = pair(rng, name, arguments, shape)
    assert ours.compute_output_shape((None, *shape)) == tuple(theirs.compute_output_shape((None, *shape)))
    x = normal(rng, 3, *shape)
    y = ours(x)
    dy = normal(rng, *y.shape)
    weights = [w.numpy() for w in ours.weights]

    def function(x, *values):
        return theirs.stateless_call(list(values), [], x)[0]

    expected, gradients = keras_peer.value_and_gradients(function, dy, x, *weights)
    np.testing.assert_allclose(y, expected, rtol=2e-5, atol=2e-5)
    inputs = pycnn.constant(x)
    with pycnn.GradientTape() as tape:
        tape.watch(inputs)
        total = pycnn.ops.sum(ours(inputs) * dy)
    for found, right in zip(tape.gradient(total, [inputs, *ours.weights]), gradients, strict=True):
        scale = max(1.0, np.abs(right).max())
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-4 * scale)


def plain(config):
    """A configuration as a file has it; Keras rounds the factors of regularizers to float32."""
    return json.loads(json.dumps(config), parse_float=np.float32)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_configuration(name, arguments, shape):
    arguments = arguments | {"name": "layer", "trainable": False}
    if "padding" in arguments and isinstance(arguments["padding"], str):
        arguments = arguments | {"padding": arguments["padding"].lower()}
    ours = layers.serialize(getattr(layers, name)(**arguments))
    theirs = keras.layers.serialize(getattr(keras.layers, name)(**arguments))
    assert plain(ours) == plain(theirs)
    assert plain(layers.serialize(layers.deserialize(theirs))) == plain(ours)
    assert plain(keras.layers.serialize(keras.layers.deserialize(ours))) == plain(ours)


# The last form of each layer with weights, and those with most arguments.
STEPS = [
    case
    for i, case in enumerate(CASES)
    if "Conv" in case[0]
    and (i + 1 == len(CASES) or CASES[i + 1][0] != case[0] or "regularizer" in str(case[1]))
]


@pytest.mark.parametrize(("name", "arguments", "shape"), STEPS)
def test_ten_steps(rng, name, arguments, shape):
    x, y = normal(rng, 8, *shape), normal(rng, 8, 2)
    models = []
    for module in (pycnn, keras):
        k = module.layers
        model = module.Sequential(
            [module.Input(shape), getattr(k, name)(**arguments), k.Flatten(), k.Dense(2)]
        )
        model.compile(module.optimizers.SGD(0.005, momentum=0.5), "mse")
        models.append(model)
    weights = [0.3 * normal(rng, *w.shape) for w in models[0].get_weights()]
    for model in models:
        model.set_weights(weights)
    ours, theirs = (model.fit(x, y, batch_size=8, epochs=10, verbose=0).history["loss"] for model in models)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())


# A constructor's call that Keras refuses.
REFUSED = [
    ("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "full"}),
    ("Conv1D", {"filters": 0, "kernel_size": 3}),
    ("Conv1D", {"filters": 2, "kernel_size": (3, 3)}),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "groups": 2}),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "strides": 2, "dilation_rate": 2}),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "padding": "causal"}),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "data_format": "first"}),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "weights": []}),
    ("SeparableConv1D", {"filters": 2, "kernel_size": 3, "padding": "causal"}),
    ("DepthwiseConv1D", {"kernel_size": 0}),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 2}),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "dilation_rate": 2}),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "padding": "causal"}),
    ("MaxPooling1D", {"pool_size": (2, 2)}),
    ("AveragePooling2D", {"pool_size": 0}),
    ("UpSampling1D", {"size": 0}),
    ("UpSampling1D", {"size": 1.5}),
    ("UpSampling2D", {"size": (1, 2, 3)}),
    ("Cropping1D", {"cropping": (1, 2, 3)}),
    ("Cropping2D", {"cropping": -1}),
    ("ZeroPadding1D", {"padding": -1}),
    ("ZeroPadding2D", {"padding": (1, 2, 3)}),
    ("Permute", {"dims": (0, 1)}),
    ("RepeatVector", {"n": 0}),
    ("Reshape", {"target_shape": (-1, -1)}),
]
# What Keras refuses when it sees the input.
REFUSED_INPUTS = [
    ("Conv1D", {"filters": 2, "kernel_size": 3}, (9, 8, 3)),
    ("Conv1D", {"filters": 2, "kernel_size": 3}, (2, 3)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2}, (9, 8, 3)),
    ("MaxPooling1D", {}, (9, 8, 3)),
    ("GlobalAveragePooling2D", {}, (9, 8)),
    ("Cropping1D", {"cropping": 2}, (4, 3)),
    ("Cropping2D", {"cropping": (0, 2)}, (4, 4, 3)),
    ("UpSampling2D", {}, (4, 3)),
    ("ZeroPadding1D", {}, (4,)),
    ("Permute", {"dims": (2, 1)}, (4, 3, 2)),
    ("RepeatVector", {"n": 2}, (4, 3)),
]


@pytest.mark.parametrize(("name", "arguments"), REFUSED)
def test_refused(name, arguments):
    for module in (layers, keras.layers):
        with pytest.raises((TypeError, ValueError)):
            getattr(module, name)(**arguments)


@pytest.mark.parametrize(("name", "arguments", "shape"), REFUSED_INPUTS)
def test_refused_inputs(name, arguments, shape):
    for module in (pycnn, keras):
        with pytest.raises((TypeError, ValueError)):
            getattr(module.layers, name)(**arguments)(module.Input(shape))
