"""Dropout inside networks: masks forward and backward, of samples, layers, steps and seeds."""

import math

import numpy as np
from core_graph import Graph, Network
from helpers import normal


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
