"""Exported models give ONNX Runtime's users what pycnn predicts."""

import json

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers, ops

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.peers

ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "sigmoid", "tanh", "softplus", "softsign",
    "hard_sigmoid", "hard_silu", "mish", "exponential", "softmax", "log_softmax", "linear",
)  # fmt: skip


def check(model, folder, rng, samples=3):
    """Outputs of an exported model are the model's own."""
    for weight in model.weights:  # statistics and scales that matter
        weight.assign(rng.uniform(0.5, 1.5, weight.shape) * (1 if "moving_var" in weight.path else 0.3))
    path = folder / "model.onnx"
    model.export(path, verbose=False)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = [rng.standard_normal((samples, *symbol.shape[1:])).astype(np.float32) for symbol in model.inputs]
    got = session.run(None, {given.name: array for given, array in zip(session.get_inputs(), x, strict=True)})
    expected = model.predict(x if len(x) > 1 else x[0], verbose=0)
    wanted_by_name = expected if isinstance(expected, dict) else {model.output_names[0]: expected}
    assert [tuple(given.shape[1:]) for given in session.get_inputs()] == [s.shape[1:] for s in model.inputs]
    for output, actual in zip(session.get_outputs(), got, strict=True):
        wanted = wanted_by_name[output.name]
        assert actual.shape == wanted.shape
        np.testing.assert_allclose(actual, wanted, rtol=2e-5, atol=2e-5)


def image_model(*steps, shape=(9, 11, 6)):
    return keras.Sequential([keras.Input(shape), *steps])


@pytest.mark.parametrize(
    "steps",
    [
        [layers.Conv2D(5, 3, activation="relu")],
        [layers.Conv2D(8, (3, 2), strides=(2, 1), padding="same", dilation_rate=1, groups=2)],
        [layers.Conv2D(4, 3, dilation_rate=2), layers.Flatten(), layers.Dense(3)],
        [layers.ZeroPadding2D(((1, 2), (0, 3))), layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2)],
        [layers.SeparableConv2D(7, 3, padding="same", use_bias=False), layers.BatchNormalization()],
        [layers.Conv2DTranspose(4, 3, strides=2, padding="same")],
        [layers.MaxPooling2D(3, 2, padding="same"), layers.AveragePooling2D(2, padding="same")],
        [layers.BatchNormalization(scale=False), layers.BatchNormalization(center=False)],
        [layers.GlobalAveragePooling2D(), layers.BatchNormalization(), layers.Dense(4, activation="softmax")],
        [layers.GlobalMaxPooling2D(keepdims=True), layers.Reshape((3, 2)), layers.Permute((2, 1))],
        [layers.LayerNormalization(), layers.UpSampling2D(2), layers.Cropping2D(1)],
        [layers.UpSampling2D(2, interpolation="bilinear"), layers.Rescaling(0.5, 1.0)],
        [layers.PReLU(shared_axes=(1, 2)), layers.GroupNormalization(3), layers.Dropout(0.5)],
        [layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.5), layers.Softmax(axis=1)],
    ],
    ids=lambda steps: "-".join(type(step).__name__ for step in steps),
)
def test_layers(steps, tmp_path, rng):
    check(image_model(*steps), tmp_path, rng)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name, tmp_path, rng):
    check(image_model(layers.Conv2D(4, 1), layers.Activation(name), layers.Conv2D(3, 1)), tmp_path, rng)


def test_operations(tmp_path, rng):
    a, b = keras.Input((5, 6, 4), name="a"), keras.Input((4,), name="b")
    x = layers.Conv2D(4, 3, padding="same")(a)
    gate = layers.Dense(4, activation="sigmoid")(b)
    x = layers.concatenate([x * layers.Reshape((1, 1, 4))(gate), a[:, :, :, ::-1]])
    y = ops.where(x > 0, ops.sqrt(ops.abs(x)), ops.minimum(x, -0.25) ** 2) / (1 + ops.exp(-x))
    y = layers.concatenate([y, ops.flip(y, 1)], axis=2)
    summary = ops.concatenate(
        [ops.max(y, (1, 2)), ops.mean(y, (1, 2)), ops.sum(b * b, -1, keepdims=True)], -1
    )
    products = ops.matmul(ops.transpose(ops.reshape(y, (-1, 60, 8)), (0, 2, 1)), ops.reshape(y, (-1, 60, 8)))
    check(keras.Model([a, b], {"summary": summary, "products": products, "map": y}), tmp_path, rng)


def test_two_inputs_share_layers(tmp_path, rng):
    shared = layers.Conv2D(3, 3)
    a, b = keras.Input((6, 6, 1)), keras.Input((6, 6, 1))
    check(keras.Model([a, b], layers.subtract([shared(a), shared(b)])), tmp_path, rng)


def test_class_names_are_kept(tmp_path):
    model = image_model(layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax"))
    model.class_names = ["cat", "dog"]
    model.export(tmp_path / "model.onnx", verbose=False)
    properties = {entry.key: entry.value for entry in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert json.loads(properties["class_names"]) == ["cat", "dog"]


def test_what_onnx_cannot_say(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dropout(0.5)])
    noisy = keras.Model(model.inputs, layers.Dropout(0.5)(model.inputs[0], training=True))
    with pytest.raises(NotImplementedError, match="cannot be exported to ONNX"):
        noisy.export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
