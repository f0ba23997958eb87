"""Gradient penalties, whose gradients go through gradients, against Keras' models differentiated by JAX."""

import keras_peer
import numpy as np
import pytest
from helpers import normal

import pycnn

keras = keras_peer.load()
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

ACTIVATIONS = [
    "tanh", "sigmoid", "softplus", "elu", "selu", "gelu", "silu", "softsign", "leaky_relu",
    "exponential", "relu",
]  # fmt: skip


def critic(library):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((6, 6, 2)),
            layers.Conv2D(3, 3, strides=2, padding="same", activation="tanh"),
            layers.LayerNormalization(),
            layers.BatchNormalization(trainable=False),
            layers.ZeroPadding2D(1),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(4, activation="softplus"),
            layers.Dense(1),
        ]
    )


def branches(library):
    layers = library.layers
    x = library.Input((8, 8, 2))
    y = layers.Conv2D(4, 3, activation="tanh")(x)
    y = layers.concatenate([layers.MaxPooling2D(2)(y), layers.MaxPooling2D(4, 2, "same")(y)])
    y = layers.add([y, layers.DepthwiseConv2D(3, padding="same")(y)])
    y = layers.Conv2DTranspose(2, 3, strides=2)(layers.UpSampling2D()(y))
    y = layers.concatenate([layers.GlobalMaxPooling2D()(y), layers.GlobalAveragePooling2D()(y)])
    y = layers.Softmax()(layers.Dense(5)(y))
    return library.Model(x, layers.Dense(1)(layers.multiply([y, y])))


def made_of_ops(library):
    ops, x = library.ops, library.Input((5, 3))
    y = ops.sqrt(ops.square(x) + 1.0) * ops.log(ops.exp(x) + 2.0) - ops.abs(ops.sin(x)) / (2.0 + ops.cos(x))
    y = ops.maximum(y, x) + ops.erf(x) * ops.where(x > 0, x, ops.tanh(x))
    y = ops.log_softmax(y) + ops.rsqrt(1.0 + ops.square(y))
    y = ops.matmul(ops.transpose(y, (0, 2, 1)), y)
    return library.Model(x, library.layers.Dense(1)(ops.reshape(y, (-1, 9))))


def activations(library):
    x = library.Input((4,))
    parts = [library.layers.Dense(3, activation=name)(x) for name in ACTIVATIONS]
    return library.Model(x, library.layers.Dense(1)(library.layers.concatenate(parts)))


MODELS = {"critic": critic, "branches": branches, "ops": made_of_ops, "activations": activations}


@pytest.mark.parametrize("name", MODELS)
def test_gradient_penalty(rng, name):
    if keras.backend.backend() != "jax":
        pytest.skip("JAX differentiates twice")
    import jax

    mine, peer = MODELS[name](pycnn), MODELS[name](keras)
    weights = [0.4 * normal(rng, *w.shape).astype(np.float32) for w in mine.get_weights()]
    weights = [np.abs(w) if "variance" in v.path else w for w, v in zip(weights, mine.weights, strict=True)]
    mine.set_weights(weights)
    peer.set_weights(weights)
    x = normal(rng, 5, *mine.input_shape[1:]).astype(np.float32)
    axes = list(range(1, x.ndim))
    fixed = [v.value for v in peer.non_trainable_variables]

    def loss_of(trainable):
        def total(x):
            return peer.stateless_call(trainable, fixed, x, training=True)[0].sum()

        slopes = jax.grad(total)(x)
        norms = keras.ops.sqrt(keras.ops.sum(keras.ops.square(slopes), axis=axes))
        return keras.ops.mean((norms - 1.0) ** 2) * 10.0 + total(x)

    wanted, peers = jax.value_and_grad(loss_of)([v.value for v in peer.trainable_variables])
    samples = pycnn.constant(x)
    with pycnn.GradientTape() as tape:
        with pycnn.GradientTape() as inner:
            inner.watch(samples)
            y = mine(samples, training=True)
        slopes = inner.gradient(y, [samples])[0]
        norms = pycnn.ops.sqrt(pycnn.ops.sum(pycnn.ops.square(slopes), axis=axes))
        loss = pycnn.ops.mean((norms - 1.0) ** 2) * 10.0 + pycnn.ops.sum(y)
    gradients = tape.gradient(loss, mine.trainable_variables)
    assert float(loss) == pytest.approx(float(wanted), rel=1e-5)
    largest = max(float(np.abs(g).max()) for g in peers)
    for found, g, variable in zip(gradients, peers, mine.trainable_variables, strict=True):
        np.testing.assert_allclose(found, g, rtol=0, atol=1e-4 * largest, err_msg=variable.path)
