"""One training step and one prediction of a network, held against the same graph in float64."""

import math

import numpy as np
from graph_reference import Model, mean_loss, parameters_of
from helpers import EPS, tolerance

from pycnn import _core

SPARSE = "sparse_categorical_crossentropy"


def labels_for(rng, loss, batch, shape):
    if loss == SPARSE:
        return rng.integers(0, shape[-1], (batch, *shape[:-1])).astype(np.int32)
    if loss == "categorical_crossentropy":
        return np.eye(shape[-1], dtype=np.float32)[rng.integers(0, shape[-1], (batch, *shape[:-1]))]
    return rng.random((batch, *shape), dtype=np.float32)


def sum_of_terms(model, network, batch):
    """How many numbers meet in a gradient, all layers' sums together: what rounding errors grow with."""
    terms = batch * max(math.prod(model.graph.shape(i)[:-1]) for i in model.nodes)
    terms += 16 * len(model.nodes)  # the square of 4 ulp, which an elementary function may be wrong by
    for i in range(network.parameter_count):
        if network.parameter_name(i) == "kernel":
            terms += math.prod(network.parameter(i).shape[:-1])
    return terms


def network_of(build, shape):
    """The graph that build(graph, input) makes, its output there, and its network."""
    model = Model()
    output = build(model, model.input(shape))
    return model, output, model.network(output, np.random.default_rng(11))


def check_predictions(build, shape, batches, threads):
    """Batches of every size give what float64 says, with the same bits at every number of threads."""
    model, output, network = network_of(build, shape)
    terms = max(math.prod(network.parameter(i).shape[:-1]) for i in range(network.parameter_count))
    for batch in batches:
        x = np.random.default_rng(batch).standard_normal((batch, *shape), np.float32)
        expected = model.run(parameters_of(network), x.astype(np.float64), training=False)[output]
        first = None
        for count in threads:
            _core.set_num_threads(count)
            out = np.empty((batch, *network.output_shape), np.float32)
            for _ in range(3):
                network.predict(x, out)
            first = out if first is None else first
            np.testing.assert_array_equal(out, first, err_msg=f"{batch} samples, {count} threads")
        np.testing.assert_allclose(first, expected, rtol=0, atol=tolerance(terms, model.gain))


def draw(model, network, x_of, seeds):
    """Inputs at which no derivative jumps within rounding errors, and the values of all nodes there."""
    for seed in seeds:
        x = x_of(np.random.default_rng(seed))
        values = model.run(parameters_of(network), x.astype(np.float64), training=True)
        if model.margin > 20 * EPS:
            return x, values
    raise AssertionError("no input keeps clear of the kinks; use fewer pixels")


def check(
    build, shape, batch=5, loss="mean_squared_error", from_logits=False, weighted=False, edit=None, x_of=None
):
    """A prediction, and the loss and all gradients of a training step, are what float64 says."""
    rng = np.random.default_rng(11)
    model = Model()
    output = build(model, model.input(shape))
    network = model.network(output, rng)
    if edit is not None:
        edit(network)
        network.touch()
    if x_of is None:
        x, values = draw(
            model, network, lambda rng: rng.standard_normal((batch, *shape), np.float32), range(40)
        )
    else:
        x = x_of(rng, (batch, *shape))
        values = model.run(parameters_of(network), x.astype(np.float64), training=True)
    labels = labels_for(rng, loss, batch, network.output_shape)
    weight = rng.random(batch, dtype=np.float32) if weighted else None
    parameters = parameters_of(network)
    network.compile(loss=loss, from_logits=from_logits)
    out = np.empty((batch, *network.output_shape), np.float32)
    network.predict(x, out)
    found, _ = network.compute_gradients(x, labels, None, weight)
    network.apply_gradients(0.1)

    expected, dy = mean_loss(loss, from_logits, values[output], labels, weight)
    gradients = model.gradients(parameters, values, output, dy)
    terms, gain = sum_of_terms(model, network, batch), model.gain
    if loss.endswith("categorical_crossentropy"):  # probability minus truth cancels where training is done
        gain *= max(1.0, 1.0 / (np.abs(dy).max() * dy.size / dy.shape[-1]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance(terms, max(1.0, expected) * gain))
    indices = [i for i in range(network.parameter_count) if network.is_trainable(i)]
    wanted = {i: gradients[network.parameter_node(i)][network.parameter_name(i)] for i in indices}
    largest = max((np.abs(gradient).max() for gradient in wanted.values()), default=0.0)
    for i, gradient in wanted.items():
        magnitude = max(np.abs(gradient).max(), 0.1 * largest)  # some are zero but for rounding
        np.testing.assert_allclose(
            network.gradient(i), gradient, rtol=0, atol=tolerance(terms, magnitude * gain), err_msg=str(i)
        )
    y = model.run(parameters, x.astype(np.float64), training=False)[output]
    magnitude = max(1.0, np.abs(y).max())
    np.testing.assert_allclose(out, y, rtol=0, atol=tolerance(terms, magnitude * model.gain))
    return network, wanted
