"""The functions of the old `keras.backend`."""

import numpy as np
import pytest

import pycnn as keras
from pycnn import backend as K

X = np.random.default_rng(0).uniform(0.1, 1, (3, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (K.mean(K.square(X), axis=-1), (X**2).mean(-1)),
        (K.sum(X, axis=0, keepdims=True), X.sum(0, keepdims=True)),
        (K.max(X), X.max()),
        (K.argmax(X), X.argmax(-1)),
        (K.argmin(X, axis=0), X.argmin(0)),
        (K.clip(X, 0.2, None), X.clip(0.2)),
        (K.pow(X, 2), X**2),
        (K.relu(X - 0.5, alpha=0.1, max_value=0.2), np.maximum(X - 0.5, 0.1 * (X - 0.5)).clip(None, 0.2)),
        (K.expand_dims(X), X[..., None]),
        (K.flatten(X), X.reshape(-1)),
        (K.batch_flatten(X.reshape(3, 2, 2)), X),
        (K.permute_dimensions(X, (1, 0)), X.T),
        (K.repeat_elements(X, 2, axis=1), X.repeat(2, 1)),
        (K.reverse(X, 1), X[:, ::-1]),
        (K.gather(X, [2, 0]), X[[2, 0]]),
        (K.one_hot(np.array([1]), 3), [[0, 1, 0]]),
        (K.switch(X > 0.5, lambda: X, -X), np.where(X > 0.5, X, -X)),
        (K.l2_normalize(X, axis=1), X / np.linalg.norm(X, axis=1, keepdims=True)),
        (K.binary_crossentropy(np.ones_like(X), X), -np.log(X)),
        (K.concatenate([X, X], axis=-1), np.concatenate([X, X], -1)),
        (K.cast_to_floatx(np.ones(2, int)), np.ones(2, np.float32)),
        (K.zeros((2,)), np.zeros(2)),
        (K.ones_like(X), np.ones_like(X)),
        (K.constant([1, 2]), [1, 2]),
        (K.eval(K.variable([1.0])), [1.0]),
    ],
)  # fmt: skip
def test_functions(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=2e-6)


def test_images():
    images = np.random.default_rng(1).random((1, 4, 4, 2), np.float32)
    kernel = np.ones((2, 2, 2, 1), np.float32)
    blocks = images.reshape(1, 2, 2, 2, 2, 2)
    for found, expected in (
        (K.conv2d(images, kernel, (2, 2)), blocks.sum((2, 4, 5))[..., None]),
        (K.pool2d(images, (2, 2), (2, 2)), blocks.max((2, 4))),
        (K.pool2d(images, (2, 2), (2, 2), pool_mode="avg"), blocks.mean((2, 4))),
        (K.depthwise_conv2d(images, kernel, (2, 2)), blocks.sum((2, 4))),
        (K.bias_add(images, np.array([1.0, 2.0])), images + np.array([1, 2])),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="pool_mode is 'min'"):
        K.pool2d(images, 2, pool_mode="min")


def test_weights():
    dense = keras.layers.Dense(1)
    dense.build((None, 2))
    K.set_value(dense.kernel, [[1.0], [2.0]])
    K.batch_set_value([(dense.bias, [3.0])])
    K.update_add(dense.bias, [1.0])
    kernel, bias = K.batch_get_value(dense.weights)
    assert (kernel.tolist(), bias.tolist()) == ([[1.0], [2.0]], [4.0])
    assert K.count_params(dense.kernel) == 2
    assert K.int_shape(keras.Input((3,))) == (None, 3)
    assert K.dtype(dense.kernel) == "float32"
    optimizer = keras.optimizers.SGD(0.1)
    with pytest.raises(TypeError, match=r"optimizer\.learning_rate = value"):
        K.set_value(optimizer.learning_rate, 0.2)
    with pytest.raises(TypeError, match="symbol of a model"):
        K.get_value(keras.Input((3,)))


def test_losses_and_functions_of_models():
    def distance(t, p):
        return K.sqrt(K.sum(K.square(t - p), axis=-1) + K.epsilon())

    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(2), keras.layers.Lambda(lambda x: K.relu(x))]
    )
    model.compile("sgd", distance)
    model.fit(X, X[:, :2], verbose=0)
    looks = K.function([model.input], [model.layers[0].output, model.output])
    first, last = looks([X])
    np.testing.assert_allclose(np.maximum(first, 0), last, rtol=1e-6)
    assert K.function(model.input, model.output)(X).shape == (3, 2)


def test_settings():
    K.set_epsilon(1e-7)
    with pytest.raises(ValueError, match=r"0\.1"):
        K.set_epsilon(0.1)
    assert K.backend() == "pycnn"
    assert K.get_uid("some") + 1 == K.get_uid("some")
    assert K.is_keras_tensor(keras.Input((1,)))
    assert (K.standardize_dtype(None), K.is_float_dtype("int8"), K.is_int_dtype(np.uint8)) == (
        "float32",
        False,
        True,
    )
    assert K.random_normal((2, 3), seed=1).shape == K.random_uniform((2, 3), seed=1).shape
    for name in ("get_session", "learning_phase", "_same"):
        with pytest.raises(AttributeError, match=name):
            getattr(K, name)


def test_gradients_of_symbols():
    """Pictures that excite a filter, as programs for Keras 2 compute them."""
    x = keras.Input((4, 4, 2))
    y = keras.layers.Conv2D(3, 2)(x)
    loss = K.mean(y[:, :, :, 1])
    (by_x,) = K.gradients(loss, x)
    images = np.random.default_rng(0).random((1, 4, 4, 2), np.float32)
    value, gradient = K.function([x], [loss, by_x])([images])
    step = 1e-2
    moved = np.array(images)
    moved[0, 1, 2, 0] += step
    later, _ = K.function([x], [loss, by_x])([moved])
    assert (later - value) / step == pytest.approx(gradient[0, 1, 2, 0], rel=1e-3)
