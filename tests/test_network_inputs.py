"""What a network takes and what it refuses: arrays, index, weights, graphs. A refusal leaves it usable."""

import gc

import numpy as np
import pytest
from core_graph import Graph, Network, predicted, started
from helpers import normal

from pycnn import _core

SPARSE = "sparse_categorical_crossentropy"


@pytest.fixture
def network():
    """Images (6, 5, 2) to three classes."""
    g = Graph()
    x = g.input((6, 5, 2))
    x = g.max_pool2d(
        g.activation(g.conv2d(x, filters=5, kernel_size=(3, 2)), "relu"), pool_size=(2, 2), strides=(2, 2)
    )
    rng = np.random.default_rng(1)
    network = started(
        Network(g, g.softmax(g.dense(g.reshape(x, (20,)), units=3))),
        lambda name, shape: 0.3 * rng.standard_normal(shape),
    )
    network.compile(loss=SPARSE, optimizer="sgd", metric="sparse_categorical_accuracy")
    return network


@pytest.fixture
def data(rng):
    return normal(rng, 12, 6, 5, 2), rng.integers(0, 3, 12).astype(np.int32)


def gradients(network):
    return [network.gradient(i).copy() for i in range(network.parameter_count)]


# --- losses of the three ways to run ------------------------------------------------------------------------
def test_loss_of_training_testing_and_prediction(isa, network, data):
    x, y = data
    out = predicted(network, x)
    expected = -np.log(out[np.arange(12), y].astype(float)).mean()
    assert network.test_step(x, y, None, None)[0] == pytest.approx(expected, rel=1e-5)
    assert network.train_step(x, y, None, None, 0.0) == network.test_step(x, y, None, None)


def test_predictions_are_probabilities(isa, network, data):
    np.testing.assert_allclose(predicted(network, data[0]).sum(axis=1), 1.0, rtol=1e-5)


# --- index and weights --------------------------------------------------------------------------------------
@pytest.mark.parametrize("index", [[0], [3, 1, 2], [5, 5, 5, 0], list(range(11, -1, -1)), [7] * 150])
def test_index(isa, network, data, rng, index):
    x, y = data
    weight = rng.random(12, dtype=np.float32)
    index = np.array(index, np.int64)
    figures = network.train_step(x, y, index, weight, 0.0)
    found = gradients(network)
    assert figures == network.train_step(x[index], y[index], None, weight[index], 0.0)
    for one, other in zip(found, gradients(network), strict=True):
        np.testing.assert_array_equal(one, other)
    assert network.test_step(x, y, index, weight) == network.test_step(
        x[index], y[index], None, weight[index]
    )


def test_weights(isa, network, data):
    """A weight of two counts a sample twice, one of zero not at all; the mean is over all samples."""
    x, y = data
    network.train_step(x, y, np.array([0, 1, 1, 2, 2, 2]), None, 0.0)
    found = gradients(network)
    weight = np.zeros(12, np.float32)
    weight[:3] = [1, 2, 3]
    loss, _ = network.train_step(x, y, None, weight, 0.0)
    for one, other in zip(found, gradients(network), strict=True):
        np.testing.assert_allclose(one * 6, other * 12, rtol=1e-4, atol=1e-6)
    network.train_step(x, y, None, np.ones(12, np.float32), 0.0)
    found = gradients(network)
    full = network.train_step(x, y, None, None, 0.0)[0]
    for one, other in zip(found, gradients(network), strict=True):
        np.testing.assert_array_equal(one, other)
    assert loss != full


def test_index_of_a_sample_whose_neighbour_is_not_valid(network, data):
    """Only the samples that are used are looked at."""
    x, y = data
    y[5] = 99
    network.train_step(x, y, np.array([0, 1, 2]), None, 0.0)
    with pytest.raises(ValueError, match="99"):
        network.train_step(x, y, np.array([0, 5]), None, 0.0)


# --- arrays of every kind -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "variant",
    [
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.float16),
        lambda x: x.astype(np.int64),
        np.asfortranarray,
        lambda x: x.repeat(2, axis=3)[..., ::2],
        lambda x: x[:, ::-1].copy()[:, ::-1],
        lambda x: x.astype(">f4"),
        lambda x: np.frombuffer(x.tobytes(), np.float32).reshape(x.shape),
    ],
)
def test_inputs_of_every_kind(isa, network, rng, variant):
    x, y = rng.integers(0, 9, (12, 6, 5, 2)).astype(np.float32), rng.integers(0, 3, 12).astype(np.int32)
    np.testing.assert_array_equal(predicted(network, variant(x)), predicted(network, x))
    index = np.array([3, 1, 8])
    figures = network.train_step(variant(x), y, index, None, 0.0)
    assert figures == network.train_step(x, y, index, None, 0.0)
    assert network.test_step(variant(x), y, None, None) == network.test_step(x, y, None, None)


def test_bytes(isa, network, rng):
    x, y = rng.integers(0, 256, (12, 6, 5, 2), dtype=np.uint8), rng.integers(0, 3, 12).astype(np.int32)
    np.testing.assert_array_equal(predicted(network, x), predicted(network, x.astype(np.float32)))
    for index in (None, np.array([11, 0, 4])):
        figures = network.train_step(x, y, index, None, 0.0)
        assert figures == network.train_step(x.astype(np.float32), y, index, None, 0.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint32])
def test_labels_of_every_kind(network, data, dtype):
    x, y = data
    assert network.test_step(x, y.astype(dtype), None, None) == network.test_step(x, y, None, None)
    column = y.astype(dtype)[:, np.newaxis]
    assert network.test_step(x, column, None, None) == network.test_step(x, y, None, None)


def test_arrays_are_not_changed(network, data):
    x, y = data
    before = x.copy(), y.copy()
    network.train_step(x, y, None, None, 0.1)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_pixel_stays_in_its_sample(isa, network, data, bad):
    """NaN goes through ReLU and max-pool, and no further than its own sample."""
    x, _ = data
    x[4, 2, 2, 0] = bad
    out = predicted(network, x)
    np.testing.assert_array_equal(
        np.isnan(out).all(axis=1), np.arange(12) == 4 if np.isnan(bad) else np.isnan(out[:, 0])
    )
    assert np.isfinite(np.delete(out, 4, axis=0)).all()


def test_nan_loss_is_reported(isa, network, data):
    x, y = data
    x[4] = np.nan
    assert np.isnan(network.test_step(x, y, None, None)[0])


def test_empty_batches(network, data):
    x, y = data
    assert predicted(network, x[:0]).shape == (0, 3)
    assert network.test_step(x[:0], y[:0], None, None) == (0.0, 0.0)
    with pytest.raises(ValueError, match="at least one sample"):
        network.train_step(x[:0], y[:0], None, None, 0.1)
    with pytest.raises(ValueError, match="at least one sample"):
        network.train_step(x, y, np.array([], np.int64), None, 0.1)


# --- what is refused ----------------------------------------------------------------------------------------
X, Y = np.zeros((4, 6, 5, 2), np.float32), np.zeros(4, np.int32)
INDEX, WEIGHT = np.arange(4), np.ones(4, np.float32)


@pytest.mark.parametrize("step", ["train_step", "test_step"])
@pytest.mark.parametrize(
    ("x", "y", "index", "weight", "message"),
    [
        (X[0], Y, None, None, "x must have shape"),
        (X[:, :5], Y, None, None, "x must have shape"),
        (X[..., :1], Y, None, None, "x must have shape"),
        (X.reshape(4, 60), Y, None, None, "x must have shape"),
        (X, Y[:3], None, None, "y must"),
        (X, np.zeros((4, 3), np.int32), None, None, "y must"),
        (X, Y.astype(float), None, None, "y must hold integer"),
        (X, Y + 3, None, None, "label 3"),
        (X, Y - 1, None, None, "label -1"),
        (X, Y.astype(np.int64) + 2**32, None, None, "label 4294967296"),
        (X, Y, INDEX + 1, None, "index 4"),
        (X, Y, INDEX - 1, None, "index -1"),
        (X, Y, INDEX.reshape(2, 2), None, "index must"),
        (X, Y, None, WEIGHT[:3], "weight must"),
        (X, Y, None, np.ones((4, 1)), "weight must"),
    ],
)
def test_bad_batches(network, data, step, x, y, index, weight, message):
    before = [network.parameter(i).copy() for i in range(network.parameter_count)]
    arguments = (0.1,) if step == "train_step" else ()
    with pytest.raises(ValueError, match=message):
        getattr(network, step)(x, y, index, weight, *arguments)
    assert network.iterations == 0
    for i, w in enumerate(before):
        np.testing.assert_array_equal(network.parameter(i), w)
    assert network.train_step(*data, None, None, 0.1)[0] > 0


def test_bad_types(network, data):
    x, y = data
    for bad in (np.full(x.shape, "one"), np.full(x.shape, None), x.astype(complex)):
        with pytest.raises((TypeError, ValueError)):
            network.train_step(bad, y, None, None, 0.1)
    with pytest.raises((TypeError, ValueError)):
        network.train_step(x, y, None, None, "fast")
    with pytest.raises((TypeError, ValueError)):
        network.train_step(x, y, np.array([0.5]), None, 0.1)
    assert network.train_step(x, y, None, None, 0.1)[0] > 0


@pytest.mark.parametrize(
    "out",
    [
        np.empty((4, 2), np.float32),
        np.empty((3, 3), np.float32),
        np.empty((4, 3), np.float64),
        np.empty((3, 4), np.float32).T,
        np.empty((4, 6), np.float32)[:, ::2],
    ],
)
def test_bad_outputs(network, out):
    with pytest.raises((TypeError, ValueError)):
        network.predict(X, out)


def test_read_only_output(network):
    out = np.empty((4, 3), np.float32)
    out.flags.writeable = False
    with pytest.raises((TypeError, ValueError)):
        network.predict(X, out)


def test_training_needs_a_loss():
    g = Graph()
    network = Network(g, g.dense(g.input((3,)), units=2))
    with pytest.raises(ValueError, match="compile"):
        network.train_step(np.zeros((1, 3)), np.zeros((1, 2)), None, None, 0.1)
    assert predicted(network, np.zeros((1, 3))).shape == (1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
        ({"loss": SPARSE, "optimizer": "sdg"}, "unknown optimizer 'sdg'"),
        ({"loss": SPARSE, "metric": "top_5"}, "unknown metric 'top_5'"),
        ({"loss": SPARSE, "optimizer": "sgd", "options": {"momentun": 0.9}}, "momentun"),
        ({"loss": SPARSE, "optimizer": "adam", "options": {"beta_1": 1.0}}, "beta_1"),
        ({"loss": SPARSE, "optimizer": "adam", "options": {"beta_2": -0.1}}, "beta_2"),
        ({"loss": SPARSE, "optimizer": "adam", "options": {"epsilon": np.nan}}, "epsilon"),
    ],
)
def test_bad_compile(network, data, options, message):
    with pytest.raises(ValueError, match=message):
        network.compile(**options)
    assert network.train_step(*data, None, None, 0.1)[0] > 0


@pytest.mark.parametrize(
    ("losses", "metrics", "message"),
    [
        (
            [("p", SPARSE, False, 1.0, 0)],
            [("p", "categorical_accuracy", 0.5, 0)],
            "target 0 is values .* class",
        ),
        ([("p", SPARSE, False, 1.0, 0), ("p", "mean_squared_error", False, 1.0, 0)], [], "target 0 is class"),
        ([("p", SPARSE, False, 1.0, 0), ("x", SPARSE, False, 1.0, 0)], [], r"shape \(3,\) .* \(6, 5, 2\)"),
        ([("p", SPARSE, False, 1.0, -1)], [], "needs a target, not -1"),
        ([("kernel", "mean_squared_error", False, 1.0, 0)], [], "kernel has no batch axis"),
        ([("p", SPARSE, False, 1.0, 0)], [("kernel", "binary_accuracy", 0.5, 0)], "kernel has no batch axis"),
        ([(99, SPARSE, False, 1.0, 0)], [], "no node 99"),
        ([(-1, "value", False, 1.0, -1)], [], "no node -1"),
        ([], [(99, "value", 0.5, -1)], "no node 99"),
    ],
)
def test_bad_terms(network, data, losses, metrics, message):
    nodes = {"p": network.outputs[0], "x": 0, "kernel": network.graph.node(network.outputs[0] - 1)[2][1]}
    terms = [[(nodes.get(term[0], term[0]), *term[1:]) for term in given] for given in (losses, metrics)]
    with pytest.raises(ValueError, match=message):
        network.core.compile(losses=terms[0], metrics=terms[1])
    assert network.train_step(*data, None, None, 0.1)[0] > 0


@pytest.mark.parametrize(
    "targets",
    [np.zeros((4, 2)), np.zeros(4), np.zeros((4, 3, 1)), np.zeros((3, 3))],
    ids=lambda t: str(t.shape),
)
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy", "mean_squared_error"])
def test_bad_targets(network, loss, targets):
    network.compile(loss=loss)
    with pytest.raises(ValueError, match="y must have shape"):
        network.train_step(X, targets, None, None, 0.1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda g, x: g.conv2d(x, filters=2, kernel_size=(7, 1), name="first"), "first: .*spans 7"),
        (lambda g, x: g.conv2d(x, filters=2, kernel_size=(1, 1), strides=(0, 1)), "strides"),
        (lambda g, x: g.conv2d(x, filters=2, kernel_size=(3, 3), dilation=(3, 1)), "spans 7"),
        (lambda g, x: g.conv2d(x, filters=2, kernel_size=(1, 1), dilation=(0, 1)), "dilation"),
        (lambda g, x: g.conv2d(x, filters=2, kernel_size=(1, 1), padding=(0, -1, 0, 0)), "padding"),
        (lambda g, x: g.conv2d(x, filters=3, kernel_size=(1, 1), groups=3), "groups"),
        (lambda g, x: g.conv2d(x, filters=3, kernel_size=(1, 1), groups=2), "groups"),
        (lambda g, x: g.conv2d(x, filters=2, kernel_size=(1, 1), pad_value=np.nan), "pad_value"),
        (lambda g, x: g.max_pool2d(x, pool_size=(7, 1), strides=(1, 1)), "spans 7"),
        (lambda g, x: g.max_pool2d(x, pool_size=(1, 1), strides=(1, -1)), "strides"),
        (lambda g, x: g.max_pool2d(x, pool_size=(2, 2), strides=(1, 1), padding=(2, 0, 0, 0)), "padding"),
        (lambda g, x: g.average_pool2d(x, pool_size=(2, 2), strides=(1, 1), padding=(0, 0, 0, 2)), "padding"),
        (lambda g, x: g.activation(x, "rectify"), "rectify"),
        (lambda g, x: g.maxout(x, pieces=3), "groups of 3"),
        (lambda g, x: g.reshape(x, (7,)), "cannot reshape"),
        (lambda g, x: g.reshape(x, (-1,)), "at least 1"),
        (lambda g, x: g.dropout(x, rate=1.0), "rate"),
        (lambda g, x: g.dropout(x, rate=np.nan), "rate"),
        (lambda g, x: g.batch_norm(x, epsilon=0.0), "epsilon"),
        (lambda g, x: g.batch_norm(x, momentum=1.5), "momentum"),
        (lambda g, x: g.pad2d(x, padding=(6, 0, 0, 0), mode="reflect"), "reflection"),
        (lambda g, x: g.pad2d(x, padding=(1, 0, 0, 0), mode="wrap"), "wrap"),
        (lambda g, x: g.add([x]), "two inputs"),
        (lambda g, x: g.add([x, g.reshape(x, (60,))]), "one shape"),
        (lambda g, x: g.concat([x, g.conv2d(x, filters=2, kernel_size=(2, 2))]), "last axis"),
        (lambda g, x: g.conv2d(g.reshape(x, (60,)), filters=2, kernel_size=(1, 1)), "images"),
        (lambda g, x: g.dense(99, units=1), "99"),
        (lambda g, x: g.add([x, -1]), "-1"),
        (lambda g, x: g.pad2d(x, padding=(2**40, 0, 0, 0)), "too large"),
    ],
)
def test_bad_graphs(build, message):
    g = Graph()
    x = g.input((6, 5, 2))
    with pytest.raises((ValueError, IndexError), match=message):
        build(g, x)
    g.dense(x, units=1)  # the graph is still good


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 1, 2, 0), r"kernel: every dimension must be at least 1, but the shape is \(1, 1, 2, 0\)"),
        ((0, 1, 2, 2), "at least 1"),
        ((60, -1), "at least 1"),
        ((2**40, 2), "too large"),
        ((2**63 - 1, 2**63 - 1), "too large"),
    ],
)
def test_bad_variables(shape, message):
    with pytest.raises(ValueError, match=message):
        _core.Variable("kernel", shape)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda g, x, w: g.conv2d(x, w(3, 3, 1, 4), name="first"),
            r"first: needs a kernel of shape \(3, 3, 2, 4\), but has one of shape \(3, 3, 1, 4\)",
        ),
        (lambda g, x, w: g.conv2d(x, w(3, 3, 2, 4), groups=2), r"kernel of shape \(3, 3, 1, 4\)"),
        (lambda g, x, w: g.conv2d(x, w(2, 4)), r"channels / groups, filters\), not \(2, 4\)"),
        (lambda g, x, w: g.conv2d(x, w(3, 3, 2, 4), w(3)), r"bias of shape \(4,\), .* of shape \(3,\)"),
        (lambda g, x, w: g.conv2d(w(6, 5, 2), w(3, 3, 2, 4)), "expected one with a batch axis"),
        (lambda g, x, w: g.dense(x, w(3, 4)), r"kernel of shape \(2, 4\)"),
        (lambda g, x, w: g.dense(x, x), r"\(inputs, units\), not \(6, 5, 2\)"),
        (lambda g, x, w: g.dense(x, g.reshape(x, (2, 30))), r"of shape \(2, 30\) for each sample"),
        (lambda g, x, w: g.dense(x, w(2, 4), w(4, 1)), r"bias of shape \(4,\)"),
        (lambda g, x, w: g.batch_norm(x, w(3), None, w(2), w(2)), r"weight of shape \(2,\)"),
        (lambda g, x, w: g.batch_norm(x, None, None, w(2), w(5)), r"weight of shape \(2,\)"),
        (
            lambda g, x, w: g.batch_norm(x, None, None, w(2), g.map([w(2)], [("exp", 0)])),
            "statistics must be parameters",
        ),
        (lambda g, x, w: g.dense(x, 7), "no node 7; the graph has 1"),
    ],
)
def test_bad_weights(build, message):
    g = _core.Graph()
    x = g.input((6, 5, 2))
    with pytest.raises(ValueError, match=message):
        build(g, x, lambda *shape: g.parameter(_core.Variable("weight", shape)))
    g.softmax(x)  # the graph is still good


@pytest.mark.parametrize(
    ("shape", "message"),
    [((0,), "at least 1"), ((3, -1), "at least 1"), ((2**31, 2**31), "too large")],
)
def test_bad_inputs(shape, message):
    with pytest.raises(ValueError, match=message):
        Graph().input(shape)


def test_samples_of_one_number(isa, rng):
    g = Graph()
    x = g.input(())
    network = Network(g, g.activation(g.scale_shift(x, scale=2.0, shift=1.0), "relu"))
    assert network.input_shape == network.output_shape == ()
    x = normal(rng, 9)
    np.testing.assert_allclose(predicted(network, x), np.maximum(2 * x + 1, 0), rtol=1e-6)
    network.compile(loss="mean_squared_error")
    expected = ((np.maximum(2 * x + 1, 0) - x) ** 2).mean()
    assert network.train_step(x, x, None, None, 0.1)[0] == pytest.approx(expected, rel=1e-5)


def test_bad_networks(network):
    g = _core.Graph()
    with pytest.raises(ValueError, match="no node 0"):
        _core.Network(g, [0])
    g.parameter(_core.Variable("kernel", (3,)))
    with pytest.raises(ValueError, match="needs an input"):
        _core.Network(g, [0])
    x = g.input((3,))
    for output in (-1, x + 1):
        with pytest.raises(ValueError, match=f"no node {output}"):
            _core.Network(g, [x, output])
        for method in (g.shape, g.is_batched, g.node, lambda node: g.text([x, node])):
            with pytest.raises(ValueError, match=f"no node {output}"):
                method(output)
    for index in (-1, network.parameter_count):
        for method in (network.gradient, network.is_trainable, lambda i: network.set_trainable(i, False)):
            with pytest.raises(IndexError, match=f"parameter {index} of a network that has 4"):
                method(index)
    for number in (-1, 1):
        for method in (network.core.input_shape, network.core.output_shape):
            with pytest.raises(IndexError):
                method(number)
    with pytest.raises(ValueError, match="iterations"):
        network.iterations = -1
    with pytest.raises((ValueError, KeyError), match="no such slot"):
        network.optimizer_slot("no such slot", 0)


# --- views --------------------------------------------------------------------------------------------------
def test_views_outlive_the_network():
    g = Graph()
    network = Network(g, g.dense(g.input((3,)), units=2))
    weights, gradient = network.parameter(0), network.gradient(0)
    weights[...] = 5.0
    del network, g
    gc.collect()
    np.testing.assert_array_equal(weights, np.full((3, 2), 5.0))
    np.testing.assert_array_equal(gradient, np.zeros((3, 2)))


def test_views_are_views(network, data):
    weights, gradient = network.parameter(0), network.gradient(0)
    before = weights.copy()
    network.train_step(*data, None, None, 0.1)
    assert (weights != before).any()
    np.testing.assert_allclose(weights, before - np.float32(0.1) * gradient, rtol=1e-5, atol=1e-7)
    assert np.shares_memory(gradient, network.gradients)
    gradient[...] = 7.0  # between a step's two parts it may be changed
    np.testing.assert_array_equal(network.gradient(0), np.full(gradient.shape, 7.0))


def test_touch_makes_new_weights_count(isa, network, data):
    x, _ = data
    first = predicted(network, x)
    network.parameter(0)[...] = 0.0
    network.touch()
    second = predicted(network, x)
    assert (first != second).any()
    assert (second == second[0]).all()
