"""Programs that join the axis of the samples with others, by `reshape(x, (-1, d))`, in Keras and here."""

import functools
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

PICTURES = np.random.default_rng(0).random((6, 8, 8, 1)).astype(np.float32)


def weights_of(model):
    return [np.asarray(w.value) for w in model.weights]


def compare(make, x, y=None, loss="mse", epochs=2, rate=0.1, **tolerance):
    """Outputs, losses and weights of a model of both packages, before and after training from one start."""
    tolerance = {"rtol": 1e-4, "atol": 2e-6} | tolerance
    found = []
    start = None
    for k in (keras, pycnn):
        model = make(k)
        model(x[:1])
        if start is None:
            start = weights_of(model)
        model.set_weights(start)
        before = model.predict(x, verbose=0)
        target = before * 0.5 if y is None else y
        model.compile(k.optimizers.SGD(rate), functools.partial(loss, k) if callable(loss) else loss)
        losses = model.fit(x, target, batch_size=4, epochs=epochs, shuffle=False, verbose=0).history["loss"]
        value = model.evaluate(x, target, batch_size=4, verbose=0)
        found.append([before, losses, value, *weights_of(model)])
    for theirs, own in zip(*found, strict=True):
        np.testing.assert_allclose(own, theirs, **tolerance)


def quantizers(k):
    ops = k.ops
    table = np.random.default_rng(3).normal(size=(3, 5)).astype(np.float32)

    class VectorQuantizer(k.layers.Layer):
        """The nearest vectors of a table; the gradient goes straight through."""

        def build(self, shape):
            self.embeddings = self.add_weight(shape=(3, 5), initializer=k.initializers.Constant(table))

        def indices_of(self, flat):
            similarity = ops.matmul(flat, self.embeddings)
            distances = (
                ops.sum(flat**2, axis=1, keepdims=True) + ops.sum(self.embeddings**2, axis=0) - 2 * similarity
            )
            return ops.argmin(distances, axis=1)

        def call(self, x):
            flat = ops.reshape(x, [-1, 3])
            encodings = ops.one_hot(self.indices_of(flat), 5)
            quantized = ops.matmul(encodings, ops.transpose(self.embeddings))
            quantized = ops.reshape(quantized, ops.shape(x))
            commitment = ops.mean((ops.stop_gradient(quantized) - x) ** 2)
            codebook = ops.mean((quantized - ops.stop_gradient(x)) ** 2)
            self.add_loss(0.25 * commitment + codebook)
            return x + ops.stop_gradient(quantized - x)

    class Averages(VectorQuantizer):
        """The same with a table of moving averages."""

        def build(self, shape):
            constant = k.initializers.Constant(table)
            self.embeddings = self.add_weight(shape=(3, 5), initializer=constant, trainable=False)
            self.sums = self.add_weight(shape=(3, 5), initializer=constant, trainable=False)
            self.sizes = self.add_weight(shape=(5,), initializer="ones", trainable=False)

        def call(self, x, training=False):
            flat = ops.reshape(x, (-1, x.shape[-1]))
            encodings = ops.one_hot(self.indices_of(flat), 5)
            quantized = ops.reshape(encodings @ ops.transpose(self.embeddings), (-1, *x.shape[1:]))
            if training:
                sums = ops.matmul(ops.transpose(flat), encodings)
                self.sizes.assign(self.sizes * 0.9 + ops.sum(encodings, axis=0) * 0.1)
                self.sums.assign(self.sums * 0.9 + ops.stop_gradient(sums) * 0.1)
                n = ops.sum(self.sizes)
                sizes = (self.sizes + 1e-5) / (n + 5e-5) * n
                self.embeddings.assign(self.sums / ops.expand_dims(sizes, 0))
            self.add_loss(0.25 * ops.mean((ops.stop_gradient(quantized) - x) ** 2))
            usage = ops.mean(encodings, axis=0)
            perplexity = ops.exp(-ops.sum(usage * ops.log(usage + 1e-10)))
            return x + ops.stop_gradient(quantized - x) + 0.0 * perplexity

    return {"gradient": VectorQuantizer, "averages": Averages}


@pytest.mark.parametrize("name", ["gradient", "averages"])
def test_vector_quantization(name):
    def make(k):
        layers = k.layers
        return k.Sequential(
            [
                k.Input((8, 8, 1)),
                layers.Conv2D(4, 3, 2, padding="same", activation="relu"),
                layers.Conv2D(3, 1),
                quantizers(k)[name](),
                layers.Conv2DTranspose(1, 3, 2, padding="same"),
            ]
        )

    compare(make, PICTURES, PICTURES, epochs=4)


def shifted_windows(k):
    """A block of a Swin transformer, as programs write it."""
    ops, layers = k.ops, k.layers
    size, shift, heads = 2, 1, 2

    def windows_of(x):
        _, h, w, c = x.shape
        x = ops.reshape(x, (-1, h // size, size, w // size, size, c))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, size, size, c))

    def pictures_of(windows, h, w, c):
        x = ops.reshape(windows, (-1, h // size, w // size, size, size, c))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, h, w, c))

    class WindowAttention(layers.Layer):
        def build(self, shape):
            self.qkv = layers.Dense(3 * shape[-1])
            self.proj = layers.Dense(shape[-1])
            self.dropout = layers.Dropout(0.0)
            self.table = self.add_weight(shape=((2 * size - 1) ** 2, heads), initializer="random_normal")
            places = np.stack(np.meshgrid(range(size), range(size), indexing="ij")).reshape(2, -1)
            steps = (places[:, :, None] - places[:, None]).transpose(1, 2, 0) + size - 1
            self.places = steps[..., 0] * (2 * size - 1) + steps[..., 1]

        def call(self, x, mask=None):
            _, n, c = x.shape
            x = ops.reshape(self.qkv(x), (-1, n, 3, heads, c // heads))
            x = ops.transpose(x, (2, 0, 3, 1, 4))
            q, key, v = x[0], x[1], x[2]
            scores = (q * (c // heads) ** -0.5) @ ops.transpose(key, (0, 1, 3, 2))
            bias = ops.take(self.table, ops.reshape(self.places, (-1,)), axis=0)
            bias = ops.transpose(ops.reshape(bias, (n, n, -1)), (2, 0, 1))
            scores = scores + ops.expand_dims(bias, axis=0)
            if mask is not None:
                mask = ops.expand_dims(ops.expand_dims(ops.cast(mask, "float32"), axis=1), axis=0)
                scores = ops.reshape(scores, (-1, mask.shape[1], heads, n, n)) + mask
                scores = ops.reshape(scores, (-1, heads, n, n))
            scores = self.dropout(k.activations.softmax(scores, axis=-1))
            x = ops.reshape(ops.transpose(scores @ v, (0, 2, 1, 3)), (-1, n, c))
            return self.dropout(self.proj(x))

    class Block(layers.Layer):
        def build(self, shape):
            _, h, w, c = shape
            self.norm1, self.norm2 = layers.LayerNormalization(epsilon=1e-5), layers.LayerNormalization()
            self.attention = WindowAttention()
            self.mlp = k.Sequential([layers.Dense(2 * c, "gelu"), layers.Dense(c)])
            parts = np.zeros((1, h, w, 1), np.float32)
            cuts = (slice(0, -size), slice(-size, -shift), slice(-shift, None))
            for i, (rows, columns) in enumerate((a, b) for a in cuts for b in cuts):
                parts[:, rows, columns] = i
            parts = parts.reshape(h // size, size, w // size, size).transpose(0, 2, 1, 3).reshape(-1, size**2)
            self.mask = np.where(parts[:, None] != parts[:, :, None], -100.0, 0.0).astype(np.float32)

        def call(self, x):
            _, h, w, c = x.shape
            y = ops.roll(self.norm1(x), shift=(-shift, -shift), axis=(1, 2))
            windows = ops.reshape(windows_of(y), (-1, size * size, c))
            windows = ops.reshape(self.attention(windows, mask=self.mask), (-1, size, size, c))
            y = ops.roll(pictures_of(windows, h, w, c), shift=(shift, shift), axis=(1, 2))
            x = x + y
            flat = ops.reshape(x, (-1, h * w, c))
            return x + ops.reshape(self.mlp(self.norm2(flat)), (-1, h, w, c))

    return Block


def test_shifted_windows():
    def make(k):
        return k.Sequential([k.Input((4, 6, 4)), shifted_windows(k)(), k.layers.Dense(2)])

    compare(make, normal(np.random.default_rng(1), 6, 4, 6, 4))


def steps_by_hand(k):
    ops, layers = k.ops, k.layers

    class Frames(layers.Layer):
        """Layers for each picture of a film, with statistics over all pictures."""

        def build(self, shape):
            picture = k.Input(shape[2:])
            y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(3, 3)(picture)))
            self.features = k.Model(picture, layers.MaxPooling2D()(y))
            self.normalization = layers.BatchNormalization()
            self.parts = [layers.Flatten(), layers.Dense(4, "softmax")]

        def call(self, x, training=False):
            shape = ops.shape(x)
            y = ops.reshape(x, (-1, *shape[2:]))
            y = self.normalization(self.features(y, training=training), training=training)
            for part in self.parts:
                y = part(y)
            return ops.reshape(y, (shape[0], shape[1], 4))

    return Frames


def test_steps_by_hand():
    def make(k):
        return k.Sequential([k.Input((3, 6, 6, 2)), steps_by_hand(k)()])

    compare(make, normal(np.random.default_rng(2), 6, 3, 6, 6, 2))


CLASSES = np.eye(3, dtype=np.float32)[np.random.default_rng(4).integers(0, 3, (6, 8, 8))]


def dice_of_classes(k, y, p):
    ops = k.ops
    y, p = ops.reshape(y, (-1, 3)), ops.reshape(p, (-1, 3))
    hits = ops.sum(y * p, axis=0)
    return 1 - ops.mean((2 * hits + 1) / (ops.sum(y, axis=0) + ops.sum(p, axis=0) + 1))


def focal_of_pixels(k, y, p):
    ops = k.ops
    y, p = ops.reshape(y, (-1, 3)), ops.clip(ops.reshape(p, (-1, 3)), 1e-7, 1.0)
    hit = ops.take_along_axis(p, ops.expand_dims(ops.argmax(y, axis=-1), -1), axis=-1)
    return ops.mean(
        -ops.squeeze((1 - hit) ** 2 * ops.log(hit), -1)
        * ops.sum(y * np.array([1.0, 2.0, 3.0], np.float32), axis=-1)
    )


def softmax_of_pixels(k, y, p):
    ops = k.ops
    y, p = ops.reshape(y, (-1, 3)), ops.reshape(p, (-1, 3))
    return -ops.sum(y * ops.log_softmax(p), axis=1)


LOSSES = {
    "crossentropy": lambda k, y, p: k.losses.categorical_crossentropy(
        k.ops.reshape(y, (-1, 3)), k.ops.reshape(p, (-1, 3))
    ),
    "labels": lambda k, y, p: k.losses.sparse_categorical_crossentropy(
        k.ops.argmax(k.ops.reshape(y, (-1, 3)), axis=-1), k.ops.reshape(p, (-1, 3))
    ),
    "loss object": lambda k, y, p: k.losses.CategoricalCrossentropy(label_smoothing=0.1)(
        k.ops.reshape(y, (-1, 3)), k.ops.reshape(p, (-1, 3))
    ),
    "squares": lambda k, y, p: k.losses.mean_squared_error(
        k.ops.reshape(y, (-1, 8, 3)), k.ops.reshape(p, (-1, 8, 3))
    ),
    "dice of classes": dice_of_classes,
    "focal": focal_of_pixels,
    "softmax of logits": softmax_of_pixels,
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_pixels(name):
    def make(k):
        layers = k.layers
        return k.Sequential(
            [
                k.Input((8, 8, 1)),
                layers.Conv2D(4, 3, padding="same"),
                layers.Conv2D(3, 1, activation="softmax"),
            ]
        )

    compare(make, PICTURES, CLASSES, LOSSES[name])
