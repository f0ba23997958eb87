"""What training changes: optimizers, statistics, dropout, and the same bits at every number of threads."""

import math

import numpy as np
import pytest
import reference
from core_graph import Graph, Network, started
from helpers import EPS, normal

from pycnn import _core

SPARSE = "sparse_categorical_crossentropy"


def every_layer():
    """A graph with every kind of layer, on (12, 13, 3), ten classes. Returns it and its output."""
    g = Graph()
    x = g.scale_shift(g.input((12, 13, 3)), scale=0.5, shift=0.1)
    x = g.activation(g.conv2d(x, filters=17, kernel_size=(3, 3)), "relu")
    x = g.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))
    x = g.dropout(x, rate=0.25)
    x = g.batch_norm(g.conv2d(x, filters=16, kernel_size=(3, 3), padding=(1, 1, 1, 1), use_bias=False))
    left = g.activation(g.conv2d(x, filters=16, kernel_size=(3, 3), padding=(1, 1, 1, 1), groups=16), "tanh")
    right = g.conv2d(
        g.pad2d(x, padding=(1, 1, 1, 1), mode="reflect"), filters=16, kernel_size=(2, 2), dilation=(2, 2)
    )
    x = g.add([left, g.multiply([right, g.activation(x, "sigmoid")])])
    low = g.average_pool2d(x, pool_size=(3, 3), strides=(2, 2), padding=(1, 1, 1, 1))
    high = g.max_pool2d(x, pool_size=(3, 3), strides=(2, 2), padding=(1, 1, 1, 1))
    x = g.concat([low, high])
    x = g.reshape(x, (math.prod(g.shape(x)),))
    x = g.maxout(g.dense(x, units=120), pieces=2)
    x = g.dropout(g.batch_norm(x), rate=0.5)
    x = g.activation(g.dense(x, units=300), "gelu")
    return g, g.softmax(g.dense(x, units=10))


def residual():
    """Normalizations with all that they take over: ReLU, max-pool, and the sum of a residual block."""
    g = Graph()
    x = g.conv2d(g.input((12, 13, 3)), filters=17, kernel_size=(3, 3), use_bias=False)
    x = g.max_pool2d(g.activation(g.batch_norm(x), "relu"), pool_size=(2, 2), strides=(2, 2))
    for strides in (1, 2):
        y = g.activation(
            g.batch_norm(g.conv2d(x, filters=20, kernel_size=(3, 3), padding=(1, 1, 1, 1))), "relu"
        )
        y = g.conv2d(y, filters=20, kernel_size=(3, 3), strides=(strides, strides), padding=(1, 1, 1, 1))
        shortcut = g.batch_norm(g.conv2d(x, filters=20, kernel_size=(1, 1), strides=(strides, strides)))
        x = g.activation(g.add([shortcut, g.batch_norm(y)]), "relu")
    return g, g.dense(g.reshape(x, (math.prod(g.shape(x)),)), units=10)


def start(network, seed=0):
    """Random parameters near what a training starts from."""
    rng = np.random.default_rng(seed)

    def values_of(name, shape):
        if name == "kernel":
            return rng.standard_normal(shape) / math.sqrt(math.prod(shape[:-1]))
        return {"gamma": 1.0, "moving_variance": 1.0}.get(name, 0.0)

    return started(network, values_of)


def copies(network):
    return [network.parameter(i).copy() for i in range(network.parameter_count)]


def perceptron(optimizer="none", options=None, metric="none"):
    g = Graph()
    x = g.input((7,))
    y = g.dense(g.activation(g.batch_norm(g.dense(x, units=19)), "tanh"), units=3)
    network = start(Network(g, g.softmax(y)))
    network.compile(loss=SPARSE, optimizer=optimizer, options=options or {}, metric=metric)
    return network


def batch(rng, n=9):
    return normal(rng, n, 7), rng.integers(0, 3, n).astype(np.int32)


# --- optimizers
# -------------------------------------------------------------------------------------------------
def exactness(optimizer, options):
    """By how much an update is less exact than its numbers: one minus a float32 near 1, or a cancellation."""
    if optimizer == "adam":
        return 1 / (1 - options.get("beta_2", 0.999)) / 16
    return 100 if options.get("centered") else 1


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("sgd", {}),
        ("sgd", {"momentum": 0.9}),
        ("sgd", {"momentum": 0.8, "nesterov": True}),
        ("sgd", {"weight_decay": 0.1}),
        ("sgd", {"momentum": 0.8, "nesterov": True, "weight_decay": 0.5}),
        ("rmsprop", {"weight_decay": 0.2}),
        ("adam", {"weight_decay": 0.2}),
        ("rmsprop", {}),
        ("rmsprop", {"rho": 0.8, "momentum": 0.5, "epsilon": 1e-3}),
        ("rmsprop", {"centered": True}),
        ("rmsprop", {"centered": True, "momentum": 0.9}),
        ("adam", {}),
        ("adam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
        ("adam", {"amsgrad": True, "beta_2": 0.5}),
    ],
)
def test_optimizers(isa, rng, optimizer, options):
    """Seven steps, each from the network's own gradient and the state that float64 has kept."""
    network = perceptron(optimizer, options)
    step, states = reference.OPTIMIZERS[optimizer], {}
    for k in range(7):
        before = [w.astype(np.float64) for w in copies(network)]
        rate = 0.05 / (k + 1)
        network.train_step(*batch(rng), None, None, rate)
        assert network.iterations == k + 1
        for i, w in enumerate(before):
            if not network.is_trainable(i):
                continue
            g = network.gradient(i).astype(np.float64)
            expected = step(w, g, states.setdefault(i, {}), rate, **options)
            update = np.abs(expected - w).max()
            atol = 32 * EPS * exactness(optimizer, options) * update
            np.testing.assert_allclose(network.parameter(i), expected, rtol=4 * EPS, atol=atol)


def test_gradient_of_zero(isa, rng):
    """No division by zero, and weights that stay."""
    for optimizer in reference.OPTIMIZERS:
        network = perceptron(optimizer)
        x, y = batch(rng)
        before = copies(network)
        network.train_step(x, y, None, np.zeros(len(x), np.float32), 0.1)
        for i, w in enumerate(before):
            if network.is_trainable(i):
                np.testing.assert_array_equal(network.parameter(i), w)


def test_no_optimizer_leaves_the_weights(isa, rng):
    network = perceptron()
    before = copies(network)
    network.train_step(*batch(rng), None, None, 0.1)
    for i, w in enumerate(before):
        if network.is_trainable(i):
            np.testing.assert_array_equal(network.parameter(i), w)


@pytest.mark.parametrize("optimizer", reference.OPTIMIZERS)
def test_parameters_that_are_not_trainable(isa, rng, optimizer):
    network = perceptron(optimizer)
    network.set_trainable(0, False)
    assert not network.is_trainable(0)
    before = copies(network)
    network.train_step(*batch(rng), None, None, 0.1)
    np.testing.assert_array_equal(network.parameter(0), before[0])
    assert (network.parameter(network.parameter_count - 1) != before[-1]).any()
    network.set_trainable(0, True)
    network.train_step(*batch(rng), None, None, 0.1)
    assert (network.parameter(0) != before[0]).any()


@pytest.mark.parametrize(
    ("optimizer", "options"), [("adam", {}), ("sgd", {"momentum": 0.9}), ("rmsprop", {})]
)
def test_state_can_be_carried_over(isa, rng, optimizer, options):
    """Parameters, iterations and slots are all that the next step depends on."""
    one, other = perceptron(optimizer, options), perceptron(optimizer, options)
    steps = [batch(rng) for _ in range(4)]
    for x, y in steps[:3]:
        one.train_step(x, y, None, None, 0.01)
    assert one.optimizer_slots
    for i in range(one.parameter_count):
        other.parameter(i)[...] = one.parameter(i)
        for slot in one.optimizer_slots:
            other.optimizer_slot(slot, i)[...] = one.optimizer_slot(slot, i)
    other.iterations = one.iterations
    other.touch()
    for network in (one, other):
        network.train_step(*steps[3], None, None, 0.01)
    for w, v in zip(copies(one), copies(other), strict=True):
        np.testing.assert_array_equal(w, v)


def test_compile_again(rng):
    """The state is the optimizer's: it stays with it, and another one begins anew."""
    network = perceptron("adam")
    network.train_step(*batch(rng), None, None, 0.01)
    adam = network.core.optimizer
    state = network.optimizer_slot(network.optimizer_slots[0], 0).copy()
    network.compile(loss=SPARSE, optimizer="adam")
    assert network.core.optimizer is adam
    np.testing.assert_array_equal(network.optimizer_slot(network.optimizer_slots[0], 0), state)
    assert network.iterations == 1
    network.compile(loss=SPARSE, optimizer="sgd", options={"momentum": 0.5})
    assert network.iterations == 0
    assert not network.optimizer_slot(network.optimizer_slots[0], 0).any()
    assert adam.iterations == 1
    np.testing.assert_array_equal(adam.state(network.variables[0], "momentum"), state)


def test_an_optimizer_takes_new_settings(rng):
    """Those that remember the same; the next step is as if they had always been there."""
    networks = [perceptron("adam", options) for options in ({"beta_1": 0.5}, {"beta_1": 0.9})]
    networks[0].core.optimizer.configure("adam", {"beta_1": 0.9})
    x, y = batch(rng)
    for network in networks:
        network.train_step(x, y, None, None, 0.01)
    for w, v in zip(*map(copies, networks), strict=True):
        np.testing.assert_array_equal(w, v)
    for kind, options in (("sgd", {}), ("adam", {"amsgrad": True})):
        with pytest.raises(ValueError, match="make a new one"):
            networks[0].core.optimizer.configure(kind, options)
    with pytest.raises(ValueError, match="beta_2"):
        networks[0].core.optimizer.configure("adam", {"beta_2": 2.0})
    fresh = _core.Optimizer("adam")
    assert fresh.slot_names == ["momentum", "velocity"]
    fresh.configure("sgd", {"momentum": 0.9})
    assert fresh.slot_names == ["momentum"]


def test_networks_share_an_optimizer_and_weights(rng):
    """Steps of two networks in turn are those of one."""
    x, y = batch(rng)
    alone = perceptron("adam")
    first = perceptron("adam")
    second = _core.Network(first.graph, first.outputs)
    second.compile(losses=[(first.outputs[0], SPARSE, False, 1.0, 0)], optimizer=first.core.optimizer)
    for _ in range(2):
        for network in (alone, alone, first):
            network.train_step(x, y, None, None, 0.01)
        second.train_step([x], [y], None, [None], 0.01)
    assert first.iterations == alone.iterations == 4
    for w, v in zip(copies(alone), copies(first), strict=True):
        np.testing.assert_array_equal(w, v)


def test_a_step_in_two_parts(isa, rng):
    """Gradients may be changed in between; left alone, they make the same step."""
    networks = [perceptron("adam"), perceptron("adam"), perceptron("adam")]
    for k in range(3):
        x, y = batch(rng)
        whole = networks[0].train_step(x, y, None, None, 0.01)
        assert networks[1].core.compute_gradients([x], [y], None, [None])[0] == whole[0]
        assert networks[1].iterations == k
        networks[1].apply_gradients(0.01)
        networks[2].core.compute_gradients([x], [y], None, [None])
        networks[2].gradients[...] = 0
    for w, v in zip(copies(networks[0]), copies(networks[1]), strict=True):
        np.testing.assert_array_equal(w, v)
    before = copies(networks[2])
    networks[2].apply_gradients(0.01)
    for i, w in enumerate(before):
        np.testing.assert_array_equal(networks[2].parameter(i), w)
    alone = perceptron()
    alone.core.compile(losses=[(alone.outputs[0], SPARSE, False, 1.0, 0)])
    with pytest.raises(ValueError, match="no optimizer"):
        alone.apply_gradients(0.01)


def test_training_learns(isa):
    """A step goes downhill in every parameter together: a small problem is solved."""
    rng = np.random.default_rng(0)
    x = normal(rng, 200, 7)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int32)
    network = perceptron("adam")
    for _ in range(300):
        loss, _ = network.train_step(x, y, None, None, 0.01)
    assert loss < 0.1


# --- statistics
# -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.99])
@pytest.mark.parametrize("n", [1, 3, 130])
def test_moving_statistics(isa, rng, momentum, n):
    g = Graph()
    x = g.input((4, 5, 3))
    network = Network(g, g.batch_norm(x, momentum=momentum))
    mean, variance = [
        next(i for i in range(network.parameter_count) if network.parameter_name(i) == name)
        for name in ("moving_mean", "moving_variance")
    ]
    assert not network.is_trainable(mean)
    assert not network.is_trainable(variance)
    network.compile(loss="mean_squared_error", optimizer="sgd")
    start_mean, start_variance = normal(rng, 3), 1 + normal(rng, 3) ** 2
    network.parameter(mean)[...], network.parameter(variance)[...] = start_mean, start_variance
    network.touch()
    batch = 2 + 3 * normal(rng, n, 4, 5, 3)
    network.train_step(batch, batch, None, None, 0.0)
    rows = batch.reshape(-1, 3).astype(np.float64)
    expected = momentum * start_mean + (1 - momentum) * rows.mean(axis=0)
    np.testing.assert_allclose(network.parameter(mean), expected, rtol=1e-5, atol=1e-5)
    expected = momentum * start_variance + (1 - momentum) * rows.var(axis=0)
    np.testing.assert_allclose(network.parameter(variance), expected, rtol=1e-5)
    before = network.parameter(mean).copy()
    network.test_step(batch, batch, None, None)
    np.testing.assert_array_equal(network.parameter(mean), before)


def test_frozen_statistics(isa, rng):
    g = Graph()
    network = start(Network(g, g.batch_norm(g.input((3,)), frozen=True)))
    network.compile(loss="mean_squared_error", optimizer="sgd")
    before = copies(network)
    x = normal(rng, 8, 3)
    network.train_step(x, x, None, None, 0.1)
    for w, v in zip(copies(network), before, strict=True):
        np.testing.assert_array_equal(w, v)


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        (SPARSE, "sparse_categorical_accuracy"),
        ("categorical_crossentropy", "categorical_accuracy"),
        ("binary_crossentropy", "binary_accuracy"),
    ],
)
@pytest.mark.parametrize("spatial", [False, True])
def test_metrics(isa, rng, loss, metric, spatial):
    g = Graph()
    x = g.input((4, 7) if spatial else (7,))
    y = g.dense(x, units=5)
    network = start(Network(g, g.activation(y, "sigmoid") if loss[0] == "b" else g.softmax(y)))
    network.compile(loss=loss, metric=metric)
    x = normal(rng, 33, *network.input_shape)
    out = np.empty((33, *network.output_shape), np.float32)
    network.predict(x, out)
    labels = rng.integers(0, 5, out.shape[:-1]).astype(np.int32)
    if loss == SPARSE:
        y, expected = labels, (out.argmax(axis=-1) == labels).mean()
    elif loss[0] == "c":
        y, expected = np.eye(5, dtype=np.float32)[labels], (out.argmax(axis=-1) == labels).mean()
    else:
        y = rng.integers(0, 2, out.shape).astype(np.float32)
        expected = ((out > 0.5) == y).mean()
    for step in (network.test_step(x, y, None, None), network.train_step(x, y, None, None, 0.0)):
        assert step[1] == pytest.approx(expected, rel=1e-6)


def test_gradient_through_dropout_by_central_differences(isa, rng):
    """The whole network with its masks held still, along three random directions."""
    network = start(Network(*every_layer()))
    network.compile(loss=SPARSE)
    x, y = normal(rng, 6, 12, 13, 3), rng.integers(0, 10, 6).astype(np.int32)
    statistics = [i for i in range(network.parameter_count) if network.parameter_name(i).startswith("moving")]
    held = copies(network)

    def loss_at(shift):
        for i, w in enumerate(held):
            network.parameter(i)[...] = w if i in statistics else w + shift[i]
        network.touch()
        network.iterations = 0
        return network.train_step(x, y, None, None, 0.0)[0]

    loss_at([np.zeros_like(w) for w in held])
    gradients = [network.gradient(i).astype(np.float64) for i in range(network.parameter_count)]
    for _ in range(3):
        direction = [rng.standard_normal(w.shape) for w in held]
        norm = math.sqrt(sum((d**2).sum() for i, d in enumerate(direction) if i not in statistics))
        h = 1e-2
        above = loss_at([h / norm * d for d in direction])
        below = loss_at([-h / norm * d for d in direction])
        slope = sum(
            (g * d).sum()
            for i, (g, d) in enumerate(zip(gradients, direction, strict=True))
            if i not in statistics
        )
        # Rounding of the loss gives 1e-5; kinks of ReLU and max-pool crossed on the way cost about h.
        assert (above - below) / (2 * h) == pytest.approx(slope / norm, abs=2e-3)


def test_normalization_takes_over_what_follows():
    network = start(Network(*residual()))
    network.compile(loss=SPARSE, from_logits=True)
    plan = network.summary_of_plan(True, 32)
    assert plan.count("+ activation + max-pool\n") == 1
    assert plan.count("+ add + activation\n") == 2
    assert plan.count("normalization + activation\n") == plan.count("normalization + activation again\n") == 2
    for gone in ("  max_pool2d", "  add", "  activation", "unpool"):
        assert gone not in plan


def test_convolutions_of_one_input_share_a_stage():
    """Both ways a residual block's shortcut finds its input in the cache, though statistics come between."""
    network = start(Network(*residual()))
    network.compile(loss=SPARSE, from_logits=True)
    stages = [s for s in network.summary_of_plan(True, 32).split("\nsplit\n") if "(direct 1x1)" in s]
    assert [s.count("\n  conv2d") for s in stages] == [2, 2, 2, 2]


# --- the same bits
# ----------------------------------------------------------------------------------------------
def trained(threads, n, optimizer="adam", steps=3, graph=every_layer):
    _core.set_num_threads(threads)
    rng = np.random.default_rng(5)
    network = start(Network(*graph()))
    network.compile(loss=SPARSE, optimizer=optimizer, metric="sparse_categorical_accuracy")
    network.set_seed(7)
    x, y = normal(rng, n, 12, 13, 3), rng.integers(0, 10, n).astype(np.int32)
    weight = rng.random(n, dtype=np.float32)
    found = [network.train_step(x, y, None, weight, 0.01) for _ in range(steps)]
    found.append(network.test_step(x, y, None, weight))
    out = np.empty((n, 10), np.float32)
    network.predict(x, out)
    return found, [*copies(network), out]


@pytest.mark.parametrize("graph", [every_layer, residual])
@pytest.mark.parametrize("n", [1, 2, 5, 33, 130, 257])
def test_same_bits_at_every_number_of_threads(isa, restore_threads, n, graph):
    figures, arrays = trained(1, n, graph=graph)
    assert np.isfinite(arrays[-1]).all()
    for threads in (2, 3, 7):
        others, other_arrays = trained(threads, n, graph=graph)
        assert others == figures
        for i, (one, other) in enumerate(zip(arrays, other_arrays, strict=True)):
            np.testing.assert_array_equal(one, other, err_msg=f"{i} at {threads} threads")


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_same_bits_with_other_optimizers(isa, restore_threads, optimizer):
    figures, arrays = trained(1, 40, optimizer)
    others, other_arrays = trained(3, 40, optimizer)
    assert others == figures
    for one, other in zip(arrays, other_arrays, strict=True):
        np.testing.assert_array_equal(one, other)


def test_same_bits_from_run_to_run(isa):
    assert trained(2, 33)[0] == trained(2, 33)[0]


def test_threads_may_change_between_steps(isa, rng, restore_threads):
    x, y = normal(rng, 33, 12, 13, 3), rng.integers(0, 10, 33).astype(np.int32)
    found = []
    for counts in [(1, 1, 1), (3, 1, 2)]:
        network = start(Network(*every_layer()))
        network.compile(loss=SPARSE, optimizer="adam")
        for threads in counts:
            _core.set_num_threads(threads)
            network.train_step(x, y, None, None, 0.01)
        found.append(copies(network))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_sample_predicts_alike_alone_and_in_a_batch(isa, rng, restore_threads):
    network = start(Network(*every_layer()))
    x, out = normal(rng, 130, 12, 13, 3), np.empty((130, 10), np.float32)
    network.predict(x, out)
    for threads in (1, 2, 7):
        _core.set_num_threads(threads)
        for i in (0, 64, 129):
            alone = np.empty((1, 10), np.float32)
            network.predict(x[i : i + 1], alone)
            np.testing.assert_allclose(alone[0], out[i], rtol=1e-4, atol=1e-6)
