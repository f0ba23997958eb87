"""Dropout inside networks: masks forward and backward, of samples, layers, steps and seeds."""

import math

import numpy as np
import pytest
from core_graph import Graph, Network
from helpers import normal

import pycnn as keras
from pycnn import layers


# ----------------------------------------------------------------------------------------------------
def dropout_between_layers(rate=0.4):
    """input -> dense -> dropout -> dense, one sample of ones: a gradient shows each mask."""
    g = Graph()
    x = g.dropout(g.dense(g.input((1,)), units=500, use_bias=False), rate=rate)
    network = Network(g, g.dense(x, units=1, use_bias=False))
    network.parameter(0)[...] = 1.0
    network.parameter(1)[...] = 1.0
    network.touch()
    network.compile(loss="mean_squared_error", optimizer="none")
    return network


def masks(network, x=None):
    """Where the forward pass kept something, and where the backward pass did."""
    x = np.ones((1, 1), np.float32) if x is None else x
    network.train_step(x, np.zeros((len(x), 1), np.float32), None, None, 0.0)
    return network.gradient(1).ravel() != 0, network.gradient(0).ravel() != 0


def test_backward_drops_what_forward_dropped(isa):
    network = dropout_between_layers()
    forward, backward = masks(network)
    np.testing.assert_array_equal(forward, backward)
    assert abs(forward.mean() - 0.6) < 6 * math.sqrt(0.24 / 500)
    kept = network.gradient(1)[forward]
    np.testing.assert_allclose(kept, 2 * forward.sum() / 0.6**2, rtol=1e-4)


def test_masks_change_with_step_and_seed(isa):
    network = dropout_between_layers()
    network.set_seed(1)
    network.iterations = 0
    first, _ = masks(network)
    network.iterations = 1
    second, _ = masks(network)
    network.set_seed(2)
    network.iterations = 0
    third, _ = masks(network)
    network.set_seed(1)
    network.iterations = 0
    again, _ = masks(network)
    np.testing.assert_array_equal(first, again)
    for other in (second, third):
        assert abs((first & other).mean() - 0.36) < 6 * math.sqrt(0.36 * 0.64 / 500)


def test_a_trained_step_moves_on_to_another_mask(isa):
    network = dropout_between_layers()
    network.compile(loss="mean_squared_error", optimizer="sgd")
    assert (masks(network)[0] != masks(network)[0]).any()


def test_samples_and_layers_have_masks_of_their_own(isa):
    g = Graph()
    x = g.input((200,))
    one, two = g.dropout(x, rate=0.5), g.dropout(x, rate=0.5)
    network = Network(g, g.dense(g.concat([one, two]), units=1, use_bias=False))
    network.compile(loss="mean_squared_error")
    shown = []
    for i in range(2):
        x = np.zeros((2, 200), np.float32)
        x[i] = 1.0
        network.iterations = 0
        network.train_step(x, np.ones((2, 1), np.float32), None, None, 0.0)
        shown += np.split(network.gradient(0).ravel() != 0, 2)
    for i, mask in enumerate(shown):
        assert 0.25 < mask.mean() < 0.75
        assert not any((mask == other).all() for other in shown[:i])


def test_no_dropout_outside_training(isa, rng):
    network = dropout_between_layers()
    x, out = normal(rng, 5, 1), np.empty((5, 1), np.float32)
    network.predict(x, out)
    np.testing.assert_allclose(out, 500 * x, rtol=1e-5)
    loss, _ = network.test_step(x, out, None, None)
    assert loss == 0.0


# --- layers that draw numbers -------------------------------------------------------------------------------
NOISE = [
    layers.Dropout(0.4, noise_shape=(None, 1, 6), seed=1),
    layers.Dropout(0.4, noise_shape=(1, 5, 6), seed=1),
    layers.SpatialDropout1D(0.4, seed=2),
    layers.AlphaDropout(0.4, seed=3),
    layers.GaussianDropout(0.4, seed=4),
    layers.GaussianNoise(0.4, seed=5),
]


def noisy(layer):
    """A model in which every sample meets the noise of the layer, and a dense layer before and after it."""
    layer = type(layer).from_config(layer.get_config())
    x = keras.Input((5, 6))
    y = layers.Dense(6)(x)
    y = layers.Dense(3, kernel_initializer="ones")(layers.Flatten()(layer(y)))
    model = keras.Model(x, y)
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("layer", NOISE, ids=lambda layer: type(layer).__name__)
def test_noise(layer, rng, restore_threads):
    """Other numbers in each step, and for each sample; the same ones at every number of threads."""
    x = np.ones((200, 5, 6), np.float32)
    y = layer(x, training=True)
    assert (layer(x, training=True) != y).any()
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    shared = getattr(layer, "noise_shape", None) == (1, 5, 6)
    assert (y[0] == y[1:]).all() == shared
    assert (y[:100] == y[100:]).all() == shared  # also in the second chunk of a batch
    found = []
    for threads in (1, 2):
        keras.config.set_num_threads(threads)
        keras.utils.set_random_seed(3)
        model = noisy(layer)
        losses = [model.train_on_batch(x, np.ones((200, 3))) for _ in range(3)]
        assert len(set(losses)) == 3
        assert model.test_on_batch(x, np.ones((200, 3))) == model.test_on_batch(x, np.ones((200, 3)))
        found.append([losses, *(w.tolist() for w in model.get_weights())])
    assert found[0] == found[1]


@pytest.mark.parametrize("layer", NOISE, ids=lambda layer: type(layer).__name__)
def test_gradients_of_noise(layer):
    """Of what multiplies its input the factor, of what adds to it 1."""
    x = keras.Input((5, 6))
    y = layer(x, training=True)
    model = keras.Model(x, [y, keras.ops.gradient(y, x)])
    y, slope = model.predict(np.full((3, 5, 6), 2.0), verbose=0)
    if isinstance(layer, layers.GaussianNoise):
        np.testing.assert_array_equal(slope, 1.0)
    elif isinstance(layer, layers.AlphaDropout):
        np.testing.assert_array_equal(slope == 0, y < 0)
        np.testing.assert_allclose(np.unique(slope)[1:], np.unique(slope)[-1])
    else:
        np.testing.assert_allclose(slope, y / 2, rtol=1e-6)


def test_normal_numbers(isa):
    """Moments of Gaussian noise, and the share within one and two standard deviations."""
    n = 100_000
    y = layers.GaussianNoise(1.0, seed=1)(np.zeros((10, n // 10)), training=True)
    assert np.isfinite(y).all()
    assert abs(y.mean()) < 6 / math.sqrt(n)
    assert abs((y**2).mean() - 1) < 6 * math.sqrt(2 / n)
    assert abs((y**3).mean()) < 6 * math.sqrt(15 / n)
    for limit, share in ((1, 0.6827), (2, 0.9545)):
        assert abs((np.abs(y) < limit).mean() - share) < 6 * math.sqrt(share * (1 - share) / n)


def test_predictions_with_dropout_differ():
    x = keras.Input((100,))
    model = keras.Model(x, layers.Dropout(0.5, seed=1)(x, training=True))
    first, second = (model.predict(np.ones((2, 100)), verbose=0) for _ in range(2))
    assert (first != second).any()
