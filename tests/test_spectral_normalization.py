"""SpectralNormalization against NumPy: steps of `fit`, of a GradientTape, and what stays as it is."""

import copy

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers, ops

X = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
Y = np.random.default_rng(1).standard_normal((200, 3)).astype(np.float32)


def normalized(kernel, u, iterations):
    """The divided kernel and the vector after some power iterations."""
    matrix = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(iterations):
        v = u @ matrix.T
        v = v / np.linalg.norm(v)
        u = v @ matrix
        u = u / np.linalg.norm(u)
    return kernel / (v @ matrix @ u.T).item(), u


def state_of(layer):
    inner = layer.layer
    return [w.numpy().astype(np.float64) for w in (inner.kernel, inner.bias, layer.vector_u)]


def step(state, calls, iterations, rate, trains=True):
    """The state after a step of SGD on the mean squared errors of some calls on (x, y)."""
    kernel, bias, u = state
    of_kernel, of_bias = np.zeros_like(kernel), np.zeros_like(bias)
    for x, y in calls:
        kernel, u = normalized(kernel, u, iterations)
        error = 2 * (x @ kernel + bias - y) / y.size
        of_kernel, of_bias = of_kernel + x.T @ error, of_bias + error.sum(0)
    rate = rate if trains else 0
    return kernel - rate * of_kernel, bias - rate * of_bias, u


def check(layer, state):
    for found, wanted in zip(state_of(layer), state, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("trains", [True, False])
@pytest.mark.parametrize("iterations", [1, 3])
def test_fit(iterations, trains):
    layer = layers.SpectralNormalization(layers.Dense(3), power_iterations=iterations)
    model = keras.Sequential([keras.Input((4,)), layer])
    layer.trainable = trains
    state = state_of(layer)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(X, Y, batch_size=150, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        for part in (slice(0, 150), slice(150, 200)):
            state = step(state, [(X[part], Y[part])], iterations, 0.1, trains)
    check(layer, state)
    before = model.get_weights()
    model.predict(X, verbose=0)
    model.evaluate(X, Y, verbose=0)
    np.testing.assert_allclose(layer(X), X @ state[0] + state[1], rtol=1e-3, atol=1e-4)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_that_calls_it_on_two_batches():
    """As a discriminator's: on real samples and on generated ones."""
    layer = layers.SpectralNormalization(layers.Dense(3))
    model = keras.Sequential([keras.Input((4,)), layer])
    optimizer = keras.optimizers.SGD(0.1)
    real, fake = (X[:40], Y[:40]), (X[40:80], Y[40:80])
    state = state_of(layer)
    for _ in range(3):
        with keras.GradientTape() as tape:
            losses = [ops.mean(ops.square(model(x, training=True) - y)) for x, y in (real, fake)]
            loss = losses[0] + losses[1]
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        state = step(state, [real, fake], 1, 0.1)
        check(layer, state)


def test_a_frozen_inner_layer_is_still_divided():
    layer = layers.SpectralNormalization(layers.Dense(3, use_bias=False))
    model = keras.Sequential([keras.Input((4,)), layer, layers.Dense(3)])
    layer.layer.trainable = False
    assert [w.shape for w in model.trainable_weights] == [(3, 3), (3,)]
    assert [w.name for w in layer.non_trainable_weights] == ["kernel", "vector_u"]
    kernel, u = (w.numpy().astype(np.float64) for w in layer.weights)
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    for found, wanted in zip(layer.get_weights(), normalized(kernel, u, 1), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_convolutions_learn(policy, tmp_path):
    keras.utils.set_random_seed(0)
    convolution = layers.Conv2D(4, 3, padding="same", activation="relu", dtype=policy)
    wrapped = layers.SpectralNormalization(convolution, power_iterations=2)
    rows = [keras.Input((6, 6, 2)), wrapped, layers.GlobalAveragePooling2D(), layers.Dense(1)]
    model = keras.Sequential(rows)
    x = np.random.default_rng(0).random((64, 6, 6, 2), np.float32)
    y = x[..., 0].mean((1, 2))[:, None]
    model.compile(keras.optimizers.Adam(0.02), "mse")
    losses = model.fit(x, y, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]
    model(x, training=True)
    largest = np.linalg.svd(convolution.kernel.numpy().reshape(-1, 4), compute_uv=False)[0]
    assert np.isclose(largest, 1, atol=0.05)
    assert model.count_params() == 9 * 2 * 4 + 4 + 4 + 5
    model.save(path := tmp_path / "m.safetensors")
    for again in (keras.models.load_model(path), copy.deepcopy(model)):
        np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    clone = keras.models.clone_model(model)
    assert [w.shape for w in clone.weights] == [w.shape for w in model.weights]
    call = model.compile_inference(batch_size=64)
    np.testing.assert_allclose(call(x), model.predict(x, verbose=0), rtol=1e-5)


def test_a_kernel_of_zeros_stays():
    layer = layers.SpectralNormalization(layers.Dense(3, kernel_initializer="zeros"))
    layer.build((None, 4))
    u = layer.vector_u.numpy()
    np.testing.assert_array_equal(layer(X, training=True), np.zeros((200, 3)))
    np.testing.assert_array_equal(layer.vector_u.numpy(), u)
    assert not layer.layer.kernel.numpy().any()


def test_what_is_refused():
    with pytest.raises(ValueError, match="power_iterations is 0; expected a number greater than zero"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)
    with pytest.raises(ValueError, match="ReLU object has no attribute 'kernel' nor 'embeddings'"):
        layers.SpectralNormalization(layers.ReLU())(X)
    layer = layers.SpectralNormalization(layers.Dense(2))
    layer(X)
    with pytest.raises(ValueError, match=r"shape \(None, 3\)"):
        layer(X[:, :3])
