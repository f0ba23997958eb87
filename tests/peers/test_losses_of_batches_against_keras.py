"""Losses of whole batches, as programs for segmentation write them with `K.flatten`, in Keras and here."""

import numpy as np
import pytest
from keras_peer import load

import pycnn

keras = load()
pytestmark = pytest.mark.peers

RNG = np.random.default_rng(0)
X = RNG.random((6, 8, 8, 2)).astype(np.float32)
Y = (RNG.random((6, 8, 8, 1)) < 0.4).astype(np.float32)


def dice(ops, y, p, smooth=1.0):
    y, p = ops.reshape(y, (-1,)), ops.reshape(p, [-1])
    return (2.0 * ops.sum(y * p) + smooth) / (ops.sum(y) + ops.sum(p, axis=-1) + smooth)


def tversky(ops, y, p):
    y, p = ops.ravel(y), ops.ravel(p)
    hits = ops.sum(y * p)
    return 1 - (hits + 1) / (hits + 0.7 * ops.sum(y * (1 - p)) + 0.3 * ops.sum((1 - y) * p) + 1)


def focal(ops, y, p):
    y, p = ops.reshape(y, -1), ops.reshape(p, -1)
    hit = ops.where(ops.equal(y, 1), p, ops.ones_like(p))
    return -ops.mean(0.25 * ops.power(1.0 - hit, 2.0) * ops.log(ops.clip(hit, 1e-7, 1.0)), axis=0)


LOSSES = {
    "dice": lambda ops, y, p: 1 - dice(ops, y, p),
    "log dice": lambda ops, y, p: -ops.log(dice(ops, y, p)),
    "tversky": lambda ops, y, p: ops.power(tversky(ops, y, p), 0.75),
    "focal": focal,
    "squares": lambda ops, y, p: ops.mean(
        ops.square(ops.cast(ops.ravel(p) > 0.0, "float32") * ops.ravel(p - y))
    ),
    "equal": lambda ops, y, p: (
        ops.mean(ops.where(y == 1.0, p, 0.0)) + ops.mean(ops.where(y != 1.0, p * p, 0.0))
    ),
}


def weights_of(model):
    return [np.asarray(w.value) for w in model.weights]


def trained(library, name, weights=None):
    layers = library.layers
    model = library.Sequential(
        [
            library.Input((8, 8, 2)),
            layers.Conv2D(3, 3, padding="same", activation="tanh"),
            layers.Conv2D(1, 1, activation="sigmoid"),
        ]
    )
    if weights is not None:
        model.set_weights(weights)
    before = weights_of(model)
    model.compile(library.optimizers.SGD(0.5), lambda y, p: LOSSES[name](library.ops, y, p))
    history = model.fit(X, Y, batch_size=3, epochs=2, shuffle=False, verbose=0).history["loss"]
    return before, history, model.evaluate(X, Y, batch_size=3, verbose=0), weights_of(model)


@pytest.mark.parametrize("name", LOSSES)
def test_training(name):
    before, losses, value, after = trained(keras, name)
    _, own_losses, own_value, own_after = trained(pycnn, name, before)
    np.testing.assert_allclose(own_losses, losses, rtol=1e-5)
    np.testing.assert_allclose(own_value, value, rtol=1e-5)
    for own, theirs in zip(own_after, after, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-4, atol=1e-6)
