"""Layers that keep state, and SpectralNormalization, against Keras.

Keras' backend JAX lets gradients go through what a call assigns and reads again, and its `fit` does not keep
what is assigned to weights that train; with TensorFlow it is the other way round. So training is compared
where that makes no difference, and what is assigned to weights that train after calls outside of `fit`.
"""

import json
import os

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn

# XLA's optimizations would take most of the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def classes(k):
    """The same layers, of one package or the other."""
    ops = k.ops

    class Normalized(k.layers.Layer):
        """Batch normalization as programs write it."""

        def build(self, shape):
            self.moving_mean = self.add_weight(shape=(shape[-1],), initializer="zeros", trainable=False)
            self.moving_variance = self.add_weight(shape=(shape[-1],), initializer="ones", trainable=False)
            self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones")

        def call(self, x, training=False):
            if not training:
                return self.gamma * (x - self.moving_mean) / ops.sqrt(self.moving_variance + 1e-3)
            axes = tuple(range(len(x.shape) - 1))
            mean, variance = ops.mean(x, axis=axes), ops.var(x, axis=axes)
            self.moving_mean.assign(self.moving_mean * 0.9 + mean * 0.1)
            self.moving_variance.assign(self.moving_variance * 0.9 + variance * 0.1)
            return self.gamma * (x - mean) / ops.sqrt(variance + 1e-3)

    class Counted(k.layers.Layer):
        """Counts batches and adds up what comes through."""

        def build(self, shape):
            self.batches = self.add_weight(shape=(), initializer="zeros", trainable=False)
            self.total = self.add_weight(shape=(), initializer="ones", trainable=False)
            self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

        def call(self, x):
            self.batches.assign_add(1.0)
            self.total.assign(self.total.value * 0.5)
            self.total.assign_sub(ops.sum(x))
            return x * self.scale + 0.01 * self.batches

    class Codebook(k.layers.Layer):
        """The nearest of six vectors, which follow the inputs by moving averages."""

        def build(self, shape):
            depth = shape[-1]
            first = np.random.default_rng(3).normal(size=(depth, 6)).astype("float32")
            initial = k.initializers.Constant(first)
            self.vectors = self.add_weight(shape=(depth, 6), initializer=initial, trainable=False)
            self.sums = self.add_weight(shape=(depth, 6), initializer=initial, trainable=False)
            self.sizes = self.add_weight(shape=(6,), initializer="zeros", trainable=False)

        def call(self, x, training=False):
            depth = x.shape[-1]
            flat = ops.reshape(x, (-1, x.shape[1] * x.shape[2], depth))
            distances = ops.sum(ops.square(self.vectors), axis=0) - 2 * ops.matmul(flat, self.vectors)
            codes = ops.one_hot(ops.argmin(distances, axis=-1), 6)
            quantized = ops.reshape(ops.matmul(codes, ops.transpose(self.vectors)), ops.shape(x))
            if training:
                sums = ops.sum(ops.matmul(ops.transpose(flat, (0, 2, 1)), codes), axis=0)
                self.sizes.assign(self.sizes * 0.8 + ops.sum(codes, axis=(0, 1)) * 0.2)
                self.sums.assign(self.sums * 0.8 + sums * 0.2)
                total = ops.sum(self.sizes)
                smooth = (self.sizes + 1e-2) / (total + 6e-2) * total
                self.vectors.assign(self.sums / smooth)
            self.add_loss(0.25 * ops.mean(ops.square(ops.stop_gradient(quantized) - x)))
            return x + ops.stop_gradient(quantized - x)

    return Normalized, Counted, Codebook


def network(k):
    normalized, counted, codebook = classes(k)
    inputs = k.Input((6, 6, 2))
    x = k.layers.Conv2D(3, 3)(inputs)
    x = normalized(name="normalized")(x)
    shared = counted(name="counted")
    x = codebook(name="codebook")(shared(x))
    x = k.Sequential([k.Input((4, 4, 3)), normalized(name="inner"), k.layers.ReLU()])(x)
    return k.Model(inputs, k.layers.Dense(2)(k.layers.Flatten()(shared(x))))


def test_state_and_weights_after_training(rng):
    x, y = normal(rng, 150, 6, 6, 2), normal(rng, 150, 2)
    ours, theirs = network(pycnn), network(keras)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    theirs.set_weights(ours.get_weights())
    found = []
    for k, model in ((pycnn, ours), (keras, theirs)):
        model.compile(k.optimizers.SGD(0.02), "mse")
        history = model.fit(x, y, batch_size=64, epochs=2, shuffle=False, verbose=0)
        values = [*history.history["loss"], model.evaluate(x, y, batch_size=70, verbose=0)]
        predicted = model.predict(x, batch_size=40, verbose=0)
        called = np.asarray(model(x[:9], training=True))
        found.append((values, predicted, called, model.test_on_batch(x, y), model.train_on_batch(x, y)))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        # After some ten steps in float32, with sums over thousands of values.
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=2e-3, atol=2e-4, err_msg=a.path)
    layer = ours.get_layer("counted")
    assert float(layer.batches) == 2 * (6 + 3 + 4 + 3)  # called twice in each batch


def test_order_of_shared_calls():
    """Calls of one layer in a functional model: by the way to the outputs, whatever was written first."""

    def state(k):
        class Doubled(k.layers.Layer):
            def build(self, shape):
                self.w = self.add_weight(shape=(), initializer="ones", trainable=False)

            def call(self, x):
                self.w.assign(self.w * 2.0 + k.ops.sum(x))
                return x * self.w

        layer, other, found = Doubled(), Doubled(), []
        a, b = k.Input((1,)), k.Input((1,))
        outputs = [layer(b), layer(other(layer(a))), other(k.layers.Add()([a, layer(other(b))]))]
        model = k.Model([a, b], outputs)
        for n in (2, 3):
            x, y = np.full((n, 1), 0.25, np.float32), np.full((n, 1), -0.5, np.float32)
            found += [np.asarray(z) for z in model([x, y])]
            found += [np.asarray(layer.w), np.asarray(other.w)]
        return found

    for a, b in zip(state(pycnn), state(keras), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


# --- SpectralNormalization ----------------------------------------------------------------------------------
WRAPPED = [
    ("Dense", {"units": 3}, (4,), 1),
    ("Dense", {"units": 3, "kernel_initializer": "zeros"}, (4,), 1),
    ("Dense", {"units": 5, "activation": "relu"}, (2, 4), 3),
    ("Conv2D", {"filters": 3, "kernel_size": 2, "padding": "same"}, (5, 5, 2), 2),
    ("Conv1D", {"filters": 3, "kernel_size": 2, "use_bias": False}, (5, 2), 1),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 2}, (5, 5, 2), 1),
    ("DepthwiseConv2D", {"kernel_size": 2}, (5, 5, 2), 1),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 3)}, (2, 4), 1),
    ("Embedding", {"input_dim": 7, "output_dim": 3}, (4,), 2),
]


def spectral(k, name, arguments, iterations):
    inner = getattr(k.layers, name)(**arguments, name="inner")
    return k.layers.SpectralNormalization(inner, power_iterations=iterations, name="s")


@pytest.mark.parametrize(("name", "arguments", "shape", "iterations"), WRAPPED)
def test_spectral_normalization(rng, name, arguments, shape, iterations):
    ours, theirs = (spectral(k, name, arguments, iterations) for k in (pycnn, keras))
    x = rng.integers(0, 7, (6, *shape)).astype("float32") if name == "Embedding" else normal(rng, 6, *shape)
    np.testing.assert_array_equal(np.shape(ours(x)), np.shape(theirs(x)))
    assert [(w.name, w.shape) for w in ours.weights] == [(w.name, tuple(w.shape)) for w in theirs.weights]
    assert [w.name for w in ours.trainable_weights] == [w.name for w in theirs.trainable_weights]
    theirs.set_weights(ours.get_weights())
    for training in (True, True, False, None, True):
        a, b = ours(x, training=training), np.asarray(theirs(x, training=training))
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        for mine, other in zip(ours.weights, theirs.weights, strict=True):
            np.testing.assert_allclose(mine.numpy(), np.asarray(other), rtol=1e-4, atol=1e-5)
    assert ours.compute_output_shape((None, *shape)) == (None, *np.shape(ours(x))[1:])
    configs = [json.loads(json.dumps(layer.get_config())) for layer in (ours, theirs)]
    again = pycnn.layers.SpectralNormalization.from_config(configs[1])
    assert again.get_config() == ours.get_config()
    inner = [config.pop("layer") for config in configs]
    assert configs[0] == configs[1]
    assert inner[0]["class_name"] == inner[1]["class_name"] == name


def test_spectral_normalization_in_files(rng, tmp_path):
    x, models = normal(rng, 6, 5, 5, 2), []
    for k in (pycnn, keras):
        conv, dense = WRAPPED[3], WRAPPED[0]
        rows = [spectral(k, *conv[:2], 2), k.layers.Flatten(), k.layers.Dense(4)]
        last = k.layers.SpectralNormalization(k.layers.Dense(**dense[1]))
        models.append(k.Sequential([k.Input((5, 5, 2)), *rows, last]))
    for (writer, model), (reader, other) in (
        ((pycnn, models[0]), (keras, models[1])),
        ((keras, models[1]), (pycnn, models[0])),
    ):
        model(x, training=True)
        model.save(path := str(tmp_path / f"{writer.__name__}.keras"))
        loaded = reader.models.load_model(path)
        model.save_weights(weights := str(tmp_path / f"{writer.__name__}.weights.h5"))
        other.load_weights(weights)
        for read in (loaded, other):
            for mine, theirs in zip(read.weights, model.weights, strict=True):
                np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))
            np.testing.assert_allclose(np.asarray(read(x)), np.asarray(model(x)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("module", [pycnn, keras], ids=["pycnn", "keras"])
def test_errors_of_spectral_normalization(module):
    with pytest.raises(ValueError, match="greater than zero"):
        module.layers.SpectralNormalization(module.layers.Dense(2), power_iterations=0)
    with pytest.raises(ValueError, match="object has no attribute 'kernel' nor 'embeddings'"):
        module.layers.SpectralNormalization(module.layers.ReLU())(np.ones((4, 2)))
    with pytest.raises(ValueError, match="layer"):
        module.layers.SpectralNormalization(3)
