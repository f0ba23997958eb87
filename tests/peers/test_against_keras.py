"""Operations, losses, optimizers and a training step against Keras."""

import math

import keras_peer
import numpy as np
import pytest
import reference
from core_graph import Graph, Network
from helpers import normal

from pycnn import _core, ops

keras = keras_peer.load()
BACKEND = keras.backend.backend()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

# Both sides are float32, with sums of up to a few hundred terms in different orders.
CLOSE = {"rtol": 1e-4, "atol": 2e-5}


def agree(ours, theirs):
    np.testing.assert_allclose(ours, theirs, **CLOSE)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("strides", "dilation", "groups"),
    [(1, 1, 1), (2, 1, 1), ((3, 2), 1, 1), (1, 2, 1), (1, (1, 3), 1), (1, 1, 2)],
)
def test_conv2d(rng, padding, strides, dilation, groups):
    if groups > 1 and BACKEND == "tensorflow":
        pytest.skip("TensorFlow has no grouped convolutions on CPUs")
    x, w = normal(rng, 2, 11, 12, 4), normal(rng, 3, 4, 4 // groups, 6)
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    y = ops.conv2d(x, w, groups=groups, **options)
    dy = normal(rng, *y.shape)
    expected, gradients = keras_peer.value_and_gradients(
        lambda x, w: keras.ops.conv(x, w, **options), dy, x, w
    )
    agree(y, expected)
    dx, dw, _ = ops.conv2d_backward(dy, x, w, groups=groups, **options)
    agree(dx, gradients[0])
    agree(dw, gradients[1])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_conv2d(rng, padding, strides, dilation, multiplier):
    x, w = normal(rng, 2, 9, 10, 5), normal(rng, 3, 3, 5, multiplier)
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    y = ops.depthwise_conv2d(x, w, **options)
    dy = normal(rng, *y.shape)
    expected, gradients = keras_peer.value_and_gradients(
        lambda x, w: keras.ops.depthwise_conv(x, w, **options), dy, x, w
    )
    agree(y, expected)
    dx, dw, _ = ops.depthwise_conv2d_backward(dy, x, w, **options)
    agree(dx, gradients[0])
    agree(dw, gradients[1])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("pool_size", "strides"), [(2, 2), (3, 2), (3, 1), ((2, 3), (1, 2))])
def test_pools(rng, padding, pool_size, strides):
    x = normal(rng, 2, 9, 10, 5)
    for ours, backward, theirs in [
        (ops.max_pool2d, ops.max_pool2d_backward, keras.ops.max_pool),
        (ops.average_pool2d, ops.average_pool2d_backward, keras.ops.average_pool),
    ]:
        if BACKEND == "torch" and padding == "same" and theirs is keras.ops.average_pool:
            continue  # there the border is repeated where padding is odd, unlike on the other backends
        y = ours(x, pool_size, strides=strides, padding=padding)
        dy = normal(rng, *y.shape)
        expected, gradients = keras_peer.value_and_gradients(
            lambda x, theirs=theirs: theirs(x, pool_size, strides=strides, padding=padding), dy, x
        )
        agree(y, expected)
        agree(backward(dy, x, pool_size, strides=strides, padding=padding), gradients[0])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("linear", {}),
        ("relu", {}),
        ("relu", {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5}),
        ("leaky_relu", {}),
        ("elu", {}),
        ("elu", {"alpha": 0.7}),
        ("selu", {}),
        ("gelu", {}),
        ("gelu", {"approximate": True}),
        ("silu", {}),
        ("sigmoid", {}),
        ("tanh", {}),
        ("softplus", {}),
        ("softsign", {}),
        ("hard_sigmoid", {}),
        ("hard_silu", {}),
        ("mish", {}),
        ("exponential", {}),
        ("softmax", {}),
        ("softmax", {"axis": 0}),
        ("log_softmax", {}),
    ],
)
def test_activations(rng, name, options):
    x, dy = 2 * normal(rng, 7, 33), normal(rng, 7, 33)
    expected, gradients = keras_peer.value_and_gradients(
        lambda x: getattr(keras.activations, name)(x, **options), dy, x
    )
    agree(getattr(ops, name)(x, **options), expected)
    agree(getattr(ops, f"{name}_backward")(dy, x, **options), gradients[0])


def test_slope_at_zero():
    """Where ReLU has no derivative, the same one is taken. Of leaky ReLU's, JAX takes the right side's."""
    zeros, ones = np.zeros(3, np.float32), np.ones(3, np.float32)
    for name in ("relu", "leaky_relu") if BACKEND != "jax" else ("relu",):
        _, gradients = keras_peer.value_and_gradients(getattr(keras.activations, name), ones, zeros)
        agree(getattr(ops, f"{name}_backward")(ones, zeros), gradients[0])


LOSSES = {
    "sparse_categorical_crossentropy": keras.losses.sparse_categorical_crossentropy,
    "categorical_crossentropy": keras.losses.categorical_crossentropy,
    "binary_crossentropy": keras.losses.binary_crossentropy,
    "mean_squared_error": lambda y, x, from_logits: keras.losses.mean_squared_error(y, x),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("from_logits", [False, True])
def test_losses(rng, name, from_logits):
    """On probabilities too that do not sum to one."""
    x = normal(rng, 6, 5) if from_logits else 0.05 + 0.9 * rng.random((6, 5), dtype=np.float32)
    labels = rng.integers(0, 5, 6).astype(np.int32)
    y = labels if name[0] == "s" else np.eye(5, dtype=np.float32)[labels]
    dy = np.ones(6, np.float32)
    target = keras.ops.convert_to_tensor(y)
    expected, gradients = keras_peer.value_and_gradients(
        lambda x: LOSSES[name](target, x, from_logits=from_logits), dy, x
    )
    in_double = reference.loss(name, x.astype(float), y if name[0] == "s" else y.astype(float), from_logits)
    for loss, dx in (
        _core.loss_forward_backward(name, x, *((y, None) if name[0] == "s" else (None, y)), from_logits),
        in_double,
    ):
        agree(loss, expected)
        agree(dx, gradients[0])


def test_batch_normalization(rng):
    x, gamma, beta = 3 + 2 * normal(rng, 8, 3, 4, 5), normal(rng, 5), normal(rng, 5)
    layer = keras.layers.BatchNormalization()
    layer.build(x.shape)
    layer.set_weights([gamma, beta, np.zeros(5), np.ones(5)])
    y, mean, variance = ops.batch_normalization(x, gamma, beta)
    agree(y, keras.ops.convert_to_numpy(layer(x, training=True)))
    moving = [np.array(v) for v in layer.get_weights()[2:]]
    agree(0.01 * mean, moving[0])
    agree(0.99 + 0.01 * variance, moving[1])
    agree(
        ops.batch_normalization_inference(x, *moving, gamma, beta),
        keras.ops.convert_to_numpy(layer(x, training=False)),
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {}),
        ("SGD", {"momentum": 0.9}),
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("RMSprop", {}),
        ("RMSprop", {"rho": 0.8, "momentum": 0.5, "centered": True, "epsilon": 1e-3}),
        ("Adam", {}),
        ("Adam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
        ("Adam", {"amsgrad": True, "beta_2": 0.5}),
    ],
)
def test_optimizers(rng, name, options):
    """The reference's steps, which the core's own tests hold the core against."""
    w, state = normal(rng, 50).astype(np.float64), {}
    variable = keras.Variable(w.astype(np.float32))
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.05, **options)
    for _ in range(5):
        g = normal(rng, 50)
        optimizer.apply([keras.ops.convert_to_tensor(g)], [variable])
        w = reference.OPTIMIZERS[name.lower()](w, g.astype(np.float64), state, 0.05, **options)
        agree(w, keras.ops.convert_to_numpy(variable.value))


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_training_steps(rng, optimizer):
    """Three steps of a network with the layers of a course: the same losses, accuracies and predictions."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((13, 12, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(6, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(16, activation="elu"),
            layers.Dense(5, activation="softmax"),
        ]
    )
    # A large epsilon: rounding of gradients near zero must not decide the direction of a step.
    options = {} if optimizer == "sgd" else {"epsilon": 1e-2}
    kinds = {"sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop, "adam": keras.optimizers.Adam}
    loss = "sparse_categorical_crossentropy"
    model.compile(kinds[optimizer](learning_rate=0.01, **options), loss, metrics=["accuracy"])

    g = Graph()
    x = g.activation(g.conv2d(g.input((13, 12, 3)), filters=8, kernel_size=(3, 3)), "relu")
    x = g.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))
    x = g.conv2d(x, filters=6, kernel_size=(3, 3), padding=(1, 1, 1, 1), use_bias=False)
    x = g.average_pool2d(g.activation(g.batch_norm(x), "tanh"), pool_size=(2, 2), strides=(2, 2))
    x = g.activation(g.dense(g.reshape(x, (math.prod(g.shape(x)),)), units=16), "elu", alpha=1.0)
    network = Network(g, g.softmax(g.dense(x, units=5)))
    network.compile(loss=loss, metric="sparse_categorical_accuracy", optimizer=optimizer, options=options)
    for i, weights in enumerate(model.get_weights()):
        network.parameter(i)[...] = weights
    network.touch()

    for _ in range(3):
        x, y = normal(rng, 20, 13, 12, 3), rng.integers(0, 5, 20).astype(np.int32)
        agree(network.train_step(x, y, None, None, 0.01), model.train_on_batch(x, y, return_dict=False))
        model.reset_metrics()
    out = np.empty((20, 5), np.float32)
    network.predict(x, out)
    agree(out, model.predict(x, verbose=0))
