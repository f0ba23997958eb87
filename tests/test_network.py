"""Networks built directly from the graph: loss and gradients against the same graph in float64."""

import math

import numpy as np
import pytest
import reference
from core_graph import Graph, Network
from graph_reference import Model, mean_loss, parameters_of
from helpers import assert_gradient, small_integers
from network_check import SPARSE, check, draw

ACTIVATIONS = [kind for kind in reference.ACTIVATIONS if kind != "linear"]


# --- networks: functions that add layers behind a node and return the last one ------------------------------
def flat(g, x):
    return g.reshape(x, (math.prod(g.graph.shape(x)),))


def head(g, x, classes=10):
    return g.softmax(g.dense(flat(g, x), units=classes))


def conv_relu_pool(g, x, filters, pool=(2, 2), kernel=(3, 3), **options):
    x = g.activation(g.conv2d(x, filters=filters, kernel_size=kernel, **options), "relu")
    return g.max_pool2d(x, pool_size=pool, strides=pool)


def deck(g, x):
    x = conv_relu_pool(g, conv_relu_pool(g, x, 17), 16)
    x = g.activation(g.dense(flat(g, x), units=9), "relu")
    return g.softmax(g.dense(x, units=10))


def residual(g, x):
    x = g.activation(g.conv2d(x, filters=6, kernel_size=(3, 3), padding=(1, 1, 1, 1)), "tanh")
    y = g.batch_norm(g.conv2d(x, filters=6, kernel_size=(3, 3), padding=(1, 1, 1, 1), use_bias=False))
    x = g.activation(g.add([x, y]), "relu")
    return head(g, g.average_pool2d(x, pool_size=(2, 2), strides=(2, 2)))


def inception(g, x):
    one = g.activation(g.conv2d(x, filters=5, kernel_size=(1, 1)), "relu")
    three = g.conv2d(
        g.conv2d(x, filters=3, kernel_size=(1, 1)), filters=7, kernel_size=(3, 3), padding=(1, 1, 1, 1)
    )
    pool = g.average_pool2d(x, pool_size=(3, 3), strides=(1, 1), padding=(1, 1, 1, 1))
    high = g.max_pool2d(x, pool_size=(3, 3), strides=(1, 1), padding=(1, 1, 1, 1))
    return head(g, g.concat([one, three, pool, high]))


def gate(g, x):
    x = g.conv2d(x, filters=8, kernel_size=(3, 3))
    return head(g, g.multiply([x, g.activation(x, "sigmoid"), g.activation(x, "tanh")]))


def same_node_twice(g, x):
    x = g.conv2d(x, filters=3, kernel_size=(2, 2))
    return head(g, g.concat([g.add([x, x]), g.multiply([x, x]), x]))


def pooled_and_not(g, x):
    """What a max-pool reads is read by another node too, so that nothing may be skipped."""
    x = g.activation(g.conv2d(x, filters=7, kernel_size=(3, 3)), "relu")
    pooled = g.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))
    return g.softmax(g.dense(g.concat([flat(g, pooled), flat(g, x)]), units=5))


def normalized(g, x):
    x = g.batch_norm(g.conv2d(x, filters=9, kernel_size=(3, 3), use_bias=False), scale=False)
    x = g.max_pool2d(g.activation(x, "relu"), pool_size=(2, 2), strides=(2, 2))
    x = g.batch_norm(g.dense(flat(g, x), units=6), center=False, epsilon=1e-2)
    return head(g, g.batch_norm(g.activation(x, "tanh")), 4)


def frozen(g, x):
    x = g.batch_norm(g.conv2d(x, filters=9, kernel_size=(3, 3)), frozen=True)
    return head(g, g.activation(x, "relu"))


def mobile(g, x):
    x = g.activation(
        g.conv2d(x, filters=8, kernel_size=(3, 3), strides=(2, 2), padding=(0, 1, 0, 1)), "hard_silu"
    )
    x = g.conv2d(x, filters=16, kernel_size=(3, 3), padding=(1, 1, 1, 1), groups=8)
    x = g.activation(g.batch_norm(x), "relu", max_value=6.0)
    x = g.conv2d(x, filters=12, kernel_size=(1, 1), groups=4, use_bias=False)
    x = g.conv2d(x, filters=5, kernel_size=(2, 2), dilation=(2, 1))
    return head(g, g.average_pool2d(x, pool_size=g.graph.shape(x)[:2], strides=(1, 1)))


def padded(g, x):
    x = g.conv2d(g.pad2d(x, padding=(1, 2, 0, 1), mode="reflect"), filters=4, kernel_size=(3, 3))
    x = g.conv2d(g.pad2d(x, padding=(2, 0, 1, 3), mode="edge"), filters=4, kernel_size=(3, 2), strides=(2, 2))
    x = g.conv2d(x, filters=3, kernel_size=(3, 3), padding=(2, 1, 1, 0), pad_value=0.5)
    return head(g, g.pad2d(x, padding=(1, 0, 1, 0), value=-1.0))


def pieces(g, x):
    x = g.maxout(g.conv2d(x, filters=12, kernel_size=(3, 3)), pieces=3)
    x = g.scale_shift(x, scale=0.5, shift=-0.25)
    x = g.maxout(g.dense(x, units=10), pieces=2)
    return head(g, g.reshape(x, (g.graph.shape(x)[1], g.graph.shape(x)[0] * 5)))


def overlapping_pools(g, x):
    x = g.activation(g.conv2d(x, filters=6, kernel_size=(3, 3), padding=(1, 1, 1, 1)), "relu")
    x = g.max_pool2d(x, pool_size=(3, 3), strides=(2, 2), padding=(0, 1, 1, 0))
    x = g.average_pool2d(x, pool_size=(2, 3), strides=(1, 2), padding=(1, 0, 1, 1), count_padding=True)
    return head(g, x)


def perceptron(g, x):
    """Layers large enough to be cut by outputs, not by samples."""
    x = g.activation(g.dense(flat(g, x), units=300), "relu")
    x = g.activation(g.dense(x, units=257), "relu")
    return head(g, x)


def scaled_input(g, x):
    return deck(g, g.scale_shift(x, scale=2.0, shift=-0.5))


def two_branches_of_the_input(g, x):
    left = conv_relu_pool(g, x, 4)
    right = g.max_pool2d(g.conv2d(x, filters=4, kernel_size=(3, 3)), pool_size=(2, 2), strides=(2, 2))
    return head(g, g.add([left, right]))


NETWORKS = [
    deck,
    residual,
    inception,
    gate,
    same_node_twice,
    pooled_and_not,
    normalized,
    frozen,
    mobile,
    padded,
    pieces,
    overlapping_pools,
    perceptron,
    scaled_input,
    two_branches_of_the_input,
]


@pytest.mark.parametrize("build", NETWORKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_networks(isa, build, channels):
    check(build, (13, 14, channels), loss=SPARSE)


@pytest.mark.parametrize("build", [deck, residual, normalized, perceptron, pieces])
@pytest.mark.parametrize("batch", [1, 2, 33, 130, 257])
def test_batch_sizes(isa, build, batch):
    check(build, (10, 10, 1), batch=batch, loss=SPARSE)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations(isa, kind):
    alpha = {"leaky_relu": 0.3, "elu": 0.8}.get(kind, 0.0)

    def activation(g, x):
        if kind == "exponential":  # of an exponential grows fast
            x = g.scale_shift(x, scale=0.1, shift=0.0)
        return g.activation(x, kind, alpha=alpha)

    def build(g, x):
        x = activation(g, g.conv2d(x, filters=5, kernel_size=(3, 3)))
        x = g.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))
        x = activation(g, g.dense(flat(g, x), units=17))
        return head(g, activation(g, g.batch_norm(x)), 4)

    check(build, (7, 8, 2), loss=SPARSE)


@pytest.mark.parametrize("parameters", [{"max_value": 0.5}, {"alpha": 0.1}, {"threshold": 0.2, "alpha": 0.3}])
def test_parameters_of_relu(isa, parameters):
    def build(g, x):
        x = g.activation(g.conv2d(x, filters=5, kernel_size=(3, 3)), "relu", **parameters)
        return head(g, g.max_pool2d(x, pool_size=(2, 2), strides=(2, 2)))

    check(build, (7, 8, 2), loss=SPARSE)


@pytest.mark.parametrize("pool", [(2, 2), (3, 3), (1, 2), (2, 1), (3, 2), (4, 4), (5, 6)])
@pytest.mark.parametrize("size", [(8, 8), (9, 10), (11, 8)])
@pytest.mark.parametrize("activation", ["relu", None])
def test_convolution_and_pool(isa, pool, size, activation):
    """Maps of 6 to 9 pixels, which most pools do not divide."""

    def build(g, x):
        x = g.conv2d(x, filters=18, kernel_size=(3, 3), use_bias=activation is not None)
        x = x if activation is None else g.activation(x, activation)
        return head(g, g.max_pool2d(x, pool_size=pool, strides=pool))

    check(build, (*size, 2), batch=3, loss=SPARSE)


@pytest.mark.parametrize("filters", [1, 3, 8, 15, 16, 17, 31, 33, 64])
@pytest.mark.parametrize("channels", [1, 2, 16, 17])
def test_channels_of_convolution_and_pool(isa, filters, channels):
    check(lambda g, x: head(g, conv_relu_pool(g, x, filters)), (7, 6, channels), batch=3, loss=SPARSE)


@pytest.mark.parametrize("channels", [32, 64])
@pytest.mark.parametrize("size", [(8, 8), (9, 10), (13, 11)])
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 1, 1, 1)])
def test_many_channels(isa, channels, size, padding):
    """Two convolutions of the kind that tiles pay for, one of them behind a pool."""

    def build(g, x):
        x = conv_relu_pool(g, x, channels, padding=padding)
        x = g.conv2d(g.activation(x, "tanh"), filters=channels + 1, kernel_size=(3, 3), padding=(1, 1, 1, 1))
        return head(g, g.activation(x, "tanh"))

    check(build, (*size, channels), batch=3, loss=SPARSE)


@pytest.mark.parametrize("first", ["pool", "activation"])
def test_order_of_pool_and_activation(isa, first):
    def build(g, x):
        x = g.conv2d(x, filters=6, kernel_size=(3, 3), strides=(1, 2))
        for step in ("pool", "activation") if first == "pool" else ("activation", "pool"):
            x = g.activation(x, "elu", alpha=1.0) if step == "activation" else pool(g, x)
        return head(g, x)

    def pool(g, x):
        return g.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))

    check(build, (9, 12, 3), loss=SPARSE)


def test_maps_that_are_all_negative(isa):
    """Behind a ReLU such a map is dead: no gradient at all, and none through the first place of a window."""

    def edit(network):
        network.parameter(1)[...] = -100.0

    build = lambda g, x: head(g, conv_relu_pool(g, x, 6))  # noqa: E731
    network, wanted = check(build, (8, 9, 2), loss=SPARSE, edit=edit)
    assert not wanted[0].any()
    np.testing.assert_array_equal(network.gradient(0), 0.0)
    np.testing.assert_array_equal(network.gradient(1), 0.0)


def test_negative_maxima(isa):
    def edit(network):
        network.parameter(1)[...] = -100.0

    def build(g, x):
        x = g.conv2d(x, filters=6, kernel_size=(3, 3))
        return head(
            g, g.scale_shift(g.max_pool2d(x, pool_size=(2, 2), strides=(2, 2)), scale=0.01, shift=0.0)
        )

    check(build, (8, 9, 2), loss=SPARSE, edit=edit)


@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize("pool", [(2, 2), (3, 3)])
def test_ties(isa, activation, pool):
    """Small integers: every sum before the pool is exact, and half the windows hold their maximum twice."""

    def edit(network):
        rng = np.random.default_rng(5)
        network.parameter(0)[...] = small_integers(rng, *network.parameter(0).shape, low=-1, high=1)
        network.parameter(1)[...] = small_integers(rng, *network.parameter(1).shape, low=-1, high=1)

    def build(g, x):
        x = g.activation(g.conv2d(x, filters=18, kernel_size=(2, 2)), activation)
        return head(g, g.max_pool2d(x, pool_size=pool, strides=pool))

    check(build, (9, 10, 2), loss=SPARSE, edit=edit, x_of=lambda rng, shape: small_integers(rng, *shape))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("loss", "from_logits", "last"),
    [
        (loss, from_logits, last)
        for loss in (SPARSE, "categorical_crossentropy", "binary_crossentropy", "mean_squared_error")
        for from_logits in (False, True)
        for last in ("softmax", "sigmoid", "linear", "log_softmax")
        if from_logits or last in ("softmax", "sigmoid") or loss == "mean_squared_error"
    ],
)
@pytest.mark.parametrize("spatial", [False, True])
def test_losses(isa, loss, from_logits, last, spatial, weighted):
    """Behind every last layer; on probabilities only where they are some."""

    def build(g, x):
        x = g.conv2d(x, filters=4, kernel_size=(2, 2))
        x = g.dense(x if spatial else flat(g, x), units=5)
        if last in ("softmax", "log_softmax"):
            return getattr(g, last)(x)
        return g.activation(x, last)

    check(build, (3, 4, 2), batch=7, loss=loss, from_logits=from_logits, weighted=weighted)


@pytest.mark.parametrize("units", [1, 2, 16, 17, 100])
def test_widths_of_the_output(isa, units):
    check(lambda g, x: g.dense(x, units=units), (6,), batch=33)
    check(lambda g, x: g.activation(g.dense(x, units=units), "sigmoid"), (6,), loss="binary_crossentropy")
    if units > 1:
        check(lambda g, x: g.softmax(g.dense(x, units=units)), (6,), batch=33, loss=SPARSE)


def test_convolution_as_output(isa):
    check(lambda g, x: g.conv2d(x, filters=3, kernel_size=(3, 3)), (6, 7, 2))
    check(lambda g, x: g.activation(g.conv2d(x, filters=3, kernel_size=(3, 3)), "tanh"), (6, 7, 2))
    check(lambda g, x: conv_relu_pool(g, x, 3), (6, 7, 2))


@pytest.mark.parametrize("shape", [(1,), (3, 4), (2, 3, 4, 5)])
def test_inputs_of_any_rank(isa, shape):
    check(lambda g, x: head(g, g.activation(g.dense(x, units=4), "tanh")), shape, loss=SPARSE)


def test_network_without_parameters(isa):
    network, wanted = check(lambda g, x: g.activation(x, "tanh"), (4,))
    assert network.parameter_count == 0
    assert not wanted


@pytest.mark.parametrize("build", NETWORKS)
def test_reference_gradients(build):
    """The float64 graph itself against central differences, a few places of every parameter."""
    rng = np.random.default_rng(3)
    model = Model()
    output = build(model, model.input((10, 10, 1)))
    network = model.network(output, rng)
    x, values = draw(model, network, lambda rng: rng.standard_normal((3, 10, 10, 1)), range(40))
    labels = rng.integers(0, network.output_shape[-1], 3)
    parameters = parameters_of(network)
    _, dy = mean_loss(SPARSE, False, values[output], labels)
    gradients = model.gradients(parameters, values, output, dy)
    for node, named in parameters.items():
        for name in named.keys() - {"moving_mean", "moving_variance"}:
            places = tuple(rng.integers(0, size, 4) for size in named[name].shape)

            def total(part, node=node, name=name, places=places, full=named[name]):
                changed = full.copy()
                changed[places] = part
                moved = {**parameters, node: {**parameters[node], name: changed}}
                return mean_loss(SPARSE, False, model.run(moved, x, training=True)[output], labels)[0]

            part = named[name][places]
            if len(set(zip(*places, strict=True))) == 4:
                assert_gradient(total, part, gradients[node][name][places], step=1e-7)


def test_graph_reports_shapes():
    g = Graph()
    x = g.input((28, 28, 1))
    y = g.conv2d(x, filters=64, kernel_size=(3, 3), strides=(2, 1), padding=(1, 0, 2, 2))
    assert g.shape(x) == (28, 28, 1)
    assert g.shape(y) == (14, 30, 64)
    assert g.shape(g.max_pool2d(y, pool_size=(3, 3), strides=(2, 2))) == (6, 14, 64)
    assert g.shape(g.concat([y, y])) == (14, 30, 128)
    network = Network(g, y)
    assert network.input_shape == (28, 28, 1)
    assert network.output_shape == (14, 30, 64)
    assert [network.parameter_name(i) for i in range(network.parameter_count)] == ["kernel", "bias"]
    assert [network.parameter_node(i) for i in range(network.parameter_count)] == [y, y]
    assert network.parameter(0).shape == (3, 3, 1, 64)
    network.compile(loss="mean_squared_error")
    for training in (False, True):
        assert isinstance(network.summary_of_plan(training, 32), str)
