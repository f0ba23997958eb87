"""Weight gradients that are larger than their samples' values: made in pieces, of the whole batch."""

import math

import numpy as np
import pytest
from core_graph import Graph, Network
from helpers import normal
from network_check import check

from pycnn import _core


def flat(g, x):
    return g.reshape(x, (math.prod(g.shape(x)),))


def scores(g, x):
    return g.dense(flat(g, x), units=3)


def activated(g, x):
    x = g.activation(g.conv2d(x, filters=150, kernel_size=(3, 3), padding=(1, 1, 1, 1)), "tanh")
    return scores(g, x)


def pooled(g, x):
    x = g.conv2d(x, filters=150, kernel_size=(3, 3), padding=(1, 1, 1, 1))
    return scores(g, g.max_pool2d(g.activation(x, "relu"), pool_size=(2, 2), strides=(2, 2)))


def strided(g, x):
    return scores(g, g.conv2d(x, filters=150, kernel_size=(3, 3), strides=(2, 2), padding=(0, 1, 1, 0)))


def after_another(g, x):
    x = g.activation(g.conv2d(x, filters=110, kernel_size=(1, 1), use_bias=False), "relu")
    x = g.batch_norm(g.conv2d(x, filters=150, kernel_size=(3, 3), use_bias=False))
    return scores(g, g.activation(x, "relu"))


def shared(g, x):
    first = g.conv2d(x, filters=110, kernel_size=(4, 3), padding=(1, 1, 2, 1))
    return scores(g, g.like(first, g.activation(first, "tanh")))


CASES = [activated, pooled, strided, after_another, shared]
SHAPE = (5, 4, 110)


@pytest.mark.parametrize("build", CASES)
def test_gradients(isa, build):
    check(build, SHAPE, batch=3, weighted=True)


@pytest.mark.parametrize("build", [activated, strided, after_another])
def test_they_take_no_memory_of_slots(build):
    g = Graph()
    network = Network(g, build(g, g.input(SHAPE)))
    network.compile(loss="sparse_categorical_crossentropy")
    slots = [line for line in network.summary_of_plan(True, 8).splitlines() if "gradients of a slot" in line]
    assert int(slots[0].split("gradients of a slot")[1].split()[0]) < 100


@pytest.mark.parametrize("n", [1, 7, 131])
def test_same_bits_at_every_number_of_threads(rng, restore_threads, n):
    x, y = normal(rng, n, *SHAPE), rng.integers(0, 3, n).astype(np.int32)

    def trained(threads):
        _core.set_num_threads(threads)
        g = Graph()
        network = Network(g, after_another(g, g.input(SHAPE)))
        start = np.random.default_rng(3)
        for i in range(network.parameter_count):
            network.parameter(i)[...] = 0.05 * start.standard_normal(network.parameter(i).shape)
        network.touch()
        network.compile(loss="sparse_categorical_crossentropy", optimizer="sgd")
        losses = [network.train_step(x, y, None, None, 0.01)[0] for _ in range(2)]
        return losses, [network.gradient(i).copy() for i in range(network.parameter_count)]

    losses, gradients = trained(1)
    for threads in (2, 3, 5, 8, 16):
        others, other_gradients = trained(threads)
        assert others == losses
        for one, other in zip(gradients, other_gradients, strict=True):
            np.testing.assert_array_equal(one, other)
