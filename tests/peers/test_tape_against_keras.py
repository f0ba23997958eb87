"""Loops of one's own against Keras: its gradients and `optimizer.apply` on whichever backend there is."""

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def make_model(module, layers):
    return module.Sequential(
        [
            module.Input((8, 8, 2)),
            layers.Conv2D(6, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(4),
        ]
    )


def keras_gradients(model, loss, x, y):
    """The loss and its gradients by the weights."""
    backend = keras.backend.backend()
    if backend == "torch":
        model.zero_grad()
        value = loss(y, model(x, training=True))
        value.backward()
        return float(value.detach()), [w.value.grad for w in model.trainable_weights]
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        return float(value), tape.gradient(value, model.trainable_weights)
    import jax

    def value_of(weights):
        return loss(y, model.stateless_call(weights, [], x, training=True)[0])

    value, gradients = jax.value_and_grad(value_of)([w.value for w in model.trainable_weights])
    return float(value), gradients


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [("SGD", {"learning_rate": 0.05, "momentum": 0.9}), ("RMSprop", {}), ("Adam", {}), ("AdamW", {})],
)
def test_a_loop(rng, optimizer, options):
    mine, peer = make_model(pycnn, pycnn.layers), make_model(keras, keras.layers)
    weights = [0.3 * normal(rng, *w.shape).astype(np.float32) for w in mine.get_weights()]
    mine.set_weights(weights)
    peer.set_weights(weights)
    losses = [m.losses.SparseCategoricalCrossentropy(from_logits=True) for m in (pycnn, keras)]
    steps = [getattr(m.optimizers, optimizer)(**options) for m in (pycnn, keras)]
    for _ in range(5):
        x, y = normal(rng, 12, 8, 8, 2).astype(np.float32), rng.integers(0, 4, 12)
        with pycnn.GradientTape() as tape:
            loss = losses[0](y, mine(x, training=True))
        gradients = tape.gradient(loss, mine.trainable_weights)
        wanted, peers = keras_gradients(peer, losses[1], x, y)
        assert float(loss) == pytest.approx(wanted, rel=1e-5)
        largest = max(np.abs(keras.ops.convert_to_numpy(g)).max() for g in peers)
        for found, g in zip(gradients, peers, strict=True):
            np.testing.assert_allclose(found, keras.ops.convert_to_numpy(g), rtol=0, atol=2e-5 * largest)
        steps[0].apply(gradients, mine.trainable_weights)
        if keras.backend.backend() == "torch":
            import torch

            with torch.no_grad():
                steps[1].apply(peers, peer.trainable_weights)
        else:
            steps[1].apply(peers, peer.trainable_weights)
    for found, w in zip(mine.get_weights(), peer.get_weights(), strict=True):
        # Optimizers that divide by the size of gradients make much of those that rounding alone made.
        np.testing.assert_allclose(found, w, rtol=0, atol=1e-5 if optimizer == "SGD" else 1e-3)
