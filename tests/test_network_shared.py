"""Networks in which nodes share parameters: every use adds to the gradient."""

import numpy as np
import pytest
from core_graph import Graph, Network
from graph_reference import Model
from helpers import normal
from network_check import check

from pycnn import _core


def flat(g, x):
    return g.reshape(x, (int(np.prod(g.shape(x))),))


def dense_twice(g, x):
    first = g.dense(x, units=12)
    return g.like(first, g.activation(first, "tanh"))


def large_dense_three_times(g, x):
    """Each use writes a whole gradient: this one is not kept in slots."""
    x = first = g.dense(x, units=256)
    for _ in range(2):
        x = g.like(first, g.activation(x, "tanh"))
    return g.dense(x, units=3)


def large_dense_on_rows_too(g, x):
    """Once as a product of the whole batch, once sample by sample."""
    first = g.dense(flat(g, x), units=256)
    return g.dense(g.add([first, flat(g, g.like(first, g.reshape(x, (1, 1, 256))))]), units=3)


def pooled_and_not(g, x):
    """Behind a pool the gradient of these weights is kept transposed."""
    first = g.conv2d(x, filters=8, kernel_size=(3, 3), padding=(1, 1, 1, 1))
    pooled = g.max_pool2d(g.activation(first, "relu"), pool_size=(2, 2), strides=(2, 2))
    return g.dense(flat(g, g.activation(g.like(first, pooled), "relu")), units=3)


def on_two_sizes(g, x):
    first = g.conv2d(x, filters=8, kernel_size=(3, 3), use_bias=False)
    again = g.like(first, g.average_pool2d(x, pool_size=(2, 2), strides=(2, 2)))
    ends = [g.average_pool2d(y, pool_size=g.shape(y)[:2], strides=(1, 1)) for y in (first, again)]
    return g.dense(flat(g, g.concat(ends)), units=3)


def normalized_twice(g, x):
    first = g.batch_norm(x, epsilon=0.1)
    again = g.like(first, g.dense(first, units=8))
    return g.dense(flat(g, again), units=3)


CASES = [
    (dense_twice, (12,)),
    (large_dense_three_times, (256,)),
    (large_dense_on_rows_too, (256,)),
    (pooled_and_not, (8, 8, 8)),
    (on_two_sizes, (8, 8, 3)),
    (normalized_twice, (4, 4, 8)),
]
IDS = [build.__name__ for build, _ in CASES]


@pytest.mark.parametrize("batch", [1, 7, 150])
@pytest.mark.parametrize(("build", "shape"), CASES, ids=IDS)
def test_gradients(isa, build, shape, batch):
    check(build, shape, batch)


@pytest.mark.parametrize(("build", "shape"), CASES, ids=IDS)
def test_same_bits_on_any_number_of_threads(rng, restore_threads, build, shape):
    results = []
    x, y = normal(rng, 40, *shape), normal(rng, 40, 12 if build is dense_twice else 3)
    for threads in (1, 2, 5):
        _core.set_num_threads(threads)
        network = reference_network(build, shape)
        network.compile(loss="mean_squared_error", optimizer="adam")
        for _ in range(3):
            network.train_step(x, y, None, None, 0.01)
        results.append([network.parameter(i).copy() for i in range(network.parameter_count)])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def reference_network(build, shape):
    model = Model()
    return model.network(build(model, model.input(shape)), np.random.default_rng(1))


def test_moving_statistics_move_once_a_use(rng):
    graph = Graph()
    x = graph.input((4,))
    first = graph.batch_norm(x, momentum=0.5, center=False, scale=False)
    second = graph.batch_norm(graph.scale_shift(x, scale=1.0, shift=8.0), momentum=0.5, like=first)
    network = Network(graph, graph.add([first, second]))
    assert network.parameter_count == 2
    network.compile(loss="mean_squared_error")
    data = normal(rng, 64, 4)
    network.train_step(data, data, None, None, 0.1)
    mean = data.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(network.parameter(0), 0.5 * (0.5 * mean) + 0.5 * (mean + 8), rtol=1e-5)


def test_one_node_for_a_variable():
    graph = _core.Graph()
    x = graph.input((4,))
    kernel, other = _core.Variable("kernel", (4, 4)), _core.Variable("kernel", (4, 4))
    node = graph.parameter(kernel)
    graph.dense(x, node)
    assert graph.parameter(kernel) == node
    assert graph.parameter(other) != node
    assert [id(variable) for variable in graph.variables] == [id(kernel), id(other)]


def test_refused():
    graph = Graph()
    x = graph.input((4,))
    y = first = graph.dense(x, units=3, name="first")
    with pytest.raises(ValueError, match=r"second: needs a kernel of shape \(3, 3\), .* of shape \(4, 3\)"):
        graph.dense(y, units=3, like=first, name="second")
    with pytest.raises(ValueError, match="no variable"):
        graph.parameter(None)
