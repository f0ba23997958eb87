"""Gradients of what is made of gradients: second derivatives, and gradient penalties."""

import math

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers, ops

erf = np.vectorize(math.erf)
SIGMOID = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731

# Functions of `keras.ops` and the same in float64.
SMOOTH = {
    "power": (lambda x: x**3.0, lambda x: x**3),
    "product": (lambda x: x * x * ops.square(x), lambda x: x**4),
    "exp": (ops.exp, np.exp),
    "expm1": (ops.expm1, np.exp),
    "log": (lambda x: ops.log(x + 3.0), lambda x: np.log(x + 3)),
    "log1p": (lambda x: ops.log1p(x + 3.0), lambda x: np.log1p(x + 3)),
    "sqrt": (lambda x: ops.sqrt(x + 3.0), lambda x: np.sqrt(x + 3)),
    "rsqrt": (lambda x: ops.rsqrt(x + 3.0), lambda x: 1 / np.sqrt(x + 3)),
    "reciprocal": (lambda x: ops.reciprocal(x + 3.0), lambda x: 1 / (x + 3)),
    "quotient": (lambda x: ops.sin(x) / (x + 3.0) - x, lambda x: np.sin(x) / (x + 3) - x),
    "cos": (ops.cos, np.cos),
    "erf": (ops.erf, erf),
    "tanh": (ops.tanh, np.tanh),
    "arctan": (ops.arctan, np.arctan),
    "arcsin": (lambda x: ops.arcsin(x / 3.0), lambda x: np.arcsin(x / 3)),
    "arccos": (lambda x: x * ops.arccos(x / 2.0), lambda x: x * np.arccos(x / 2)),
    "tan": (lambda x: ops.tan(x / 2.0), lambda x: np.tan(x / 2)),
    "sigmoid": (ops.sigmoid, SIGMOID),
    "softplus": (ops.softplus, lambda x: np.logaddexp(x, 0)),
    "silu": (ops.silu, lambda x: x * SIGMOID(x)),
    "gelu": (ops.gelu, lambda x: x * (1 + erf(x / math.sqrt(2))) / 2),
    "elu": (ops.elu, lambda x: np.where(x > 0, x, np.expm1(x))),
    "selu": (ops.selu, lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))),
    "softsign": (ops.softsign, lambda x: x / (1 + np.abs(x))),
    "exponential": (ops.exponential, np.exp),
    "pieces": (lambda x: x * ops.relu(x) + ops.abs(x) * x, lambda x: x * np.maximum(x, 0) + np.abs(x) * x),
    "cases": (
        lambda x: ops.where(x > 0, ops.maximum(x, 0.5) * x * x, ops.minimum(-x, 1.0) * x),
        lambda x: np.where(x > 0, np.maximum(x, 0.5) * x * x, np.minimum(-x, 1) * x),
    ),
    "mean": (lambda x: ops.square(x) * ops.mean(x), None),
    "softmax": (lambda x: ops.softmax(x) * np.arange(6.0), None),
    "log_softmax": (lambda x: ops.log_softmax(x) * np.arange(6.0), None),
    "matrices": (
        lambda x: ops.matmul(
            ops.reshape(x, (-1, 2, 3)), ops.transpose(ops.reshape(x, (-1, 2, 3)), (0, 2, 1))
        ),
        None,
    ),
    "places": (
        lambda x: ops.concatenate([x[:, ::2], x[:, 1:4]], 1) ** 2.0 * ops.take(x, [5, 0, 0, 1, 2, 3], 1),
        None,
    ),
    "padding": (
        lambda x: ops.sum(ops.square(ops.pad(x, ((0, 0), (1, 2)), constant_values=3.0)), 1) * x[:, 0],
        None,
    ),
    "largest": (lambda x: ops.max(x, 1) ** 2.0 + ops.amin(x, 1) ** 3.0, None),
}


def in_numpy(name, x):
    """Functions that take all values of a sample together, in float64."""
    soft = x - np.log(np.exp(x).sum(-1, keepdims=True))
    parts = x.reshape(-1, 2, 3)
    return {
        "mean": lambda: x * x * x.mean(),
        "softmax": lambda: np.exp(soft) * np.arange(6),
        "log_softmax": lambda: soft * np.arange(6),
        "matrices": lambda: parts @ parts.transpose(0, 2, 1),
        "places": lambda: np.concatenate([x[:, ::2], x[:, 1:4]], 1) ** 2 * x[:, [5, 0, 0, 1, 2, 3]],
        "padding": lambda: (np.square(x).sum(1) + 27) * x[:, 0],
        "largest": lambda: x.max(1) ** 2 + x.min(1) ** 3,
    }[name]()


@pytest.mark.parametrize("name", SMOOTH)
def test_second_derivatives(name):
    """The product of the second derivatives with a vector, against central differences in float64."""
    function, wanted = SMOOTH[name]
    x = np.array([[-1.7, -0.9, -0.3, 0.2, 0.8, 1.9]])
    v = np.array([[1.0, -0.5, 2.0, 1.5, -1.0, 0.5]])
    samples = keras.constant(x)
    with keras.GradientTape() as outer:
        outer.watch(samples)
        with keras.GradientTape() as inner:
            inner.watch(samples)
            y = function(layers.Activation("linear")(samples))
        loss = ops.sum(inner.gradient(y, samples) * v.astype(np.float32))
    found = np.asarray(outer.gradient(loss, samples))[0]
    total = (lambda x: in_numpy(name, x).sum()) if wanted is None else (lambda x: wanted(x).sum())
    h, expected = 1e-4, np.zeros(6)
    for i in range(6):
        step = h * np.eye(6)[i]
        corners = [s * t * total(x + s * step + t * h * v) for s in (1, -1) for t in (1, -1)]
        expected[i] = sum(corners) / (4 * h * h)
    # Four values of about 10, each with an error of 2^-52 of itself, over 4 h^2; the rest is float32.
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * max(1.0, np.abs(expected).max()))


def linear():
    x = keras.Input((7, 7, 2))
    y = layers.Conv2D(3, 3, strides=2, padding="same", name="conv")(x)
    y = layers.concatenate([y, layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(y)])
    y = layers.BatchNormalization(trainable=False)(y)
    y = layers.add([y, layers.SeparableConv2D(9, 3, padding="same")(y)])
    y = layers.AveragePooling2D(2)(layers.Conv2DTranspose(2, 3, strides=2)(layers.ZeroPadding2D(1)(y)))
    y = layers.Dense(3)(layers.UpSampling2D()(y))
    y = layers.concatenate([layers.Flatten()(y), layers.GlobalAveragePooling2D()(y)])
    return keras.Model(x, layers.Dense(1)(y))


def test_layers_that_are_linear():
    """There the penalty's gradient is twice that of the model's output for the slopes as samples."""
    keras.utils.set_random_seed(2)
    model, samples = linear(), keras.constant(np.random.default_rng(0).normal(size=(3, 7, 7, 2)))
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            inner.watch(samples)
            y = model(samples, training=True)
        slopes = inner.gradient(y, samples)
        loss = ops.sum(ops.square(slopes))
    found = outer.gradient(loss, model.trainable_variables, unconnected_gradients="zero")
    with keras.GradientTape() as tape:
        difference = ops.sum(model(np.asarray(slopes)) - model(np.zeros((3, 7, 7, 2))))
    wanted = tape.gradient(difference, model.trainable_variables)
    largest = max(np.abs(np.asarray(g)).max() for g in wanted)
    for mine, g, variable in zip(found, wanted, model.trainable_variables, strict=True):
        np.testing.assert_allclose(
            mine, 2 * np.asarray(g), rtol=0, atol=1e-5 * largest, err_msg=variable.path
        )


def test_one_dropout_for_both():
    """A penalty that is a quadratic form of the weights is half of their product with its gradient."""
    keras.utils.set_random_seed(4)
    dense = layers.Dense(1)
    model = keras.Sequential([keras.Input((50,)), layers.Dropout(0.5), dense])
    samples = keras.constant(np.ones((4, 50)))
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            inner.watch(samples)
            y = model(samples, training=True)
        slopes = inner.gradient(y, samples)
        loss = ops.sum(ops.square(slopes))
    gradient = outer.gradient(loss, dense.kernel)
    assert float(loss) == pytest.approx(np.sum(np.asarray(gradient) * dense.kernel.numpy()) / 2, rel=1e-5)
    assert 40 < np.count_nonzero(np.asarray(slopes)) < 160  # of 200, and those in the loss
    assert float(loss) == pytest.approx(np.square(np.asarray(slopes)).sum(), rel=1e-5)


def test_numbers_and_variables():
    x = keras.Variable(2.0)
    with keras.GradientTape(persistent=True) as outer:
        with keras.GradientTape() as inner:
            y = x * x * x
        slope = inner.gradient(y, x)
        z = slope * x
    assert (float(slope), float(outer.gradient(slope, x)), float(outer.gradient(z, x))) == (12.0, 12.0, 36.0)
    assert float(outer.gradient(y, x)) == 12.0


def test_what_stays_refused():
    x = keras.Variable(2.0)
    with keras.GradientTape() as third:
        with keras.GradientTape() as outer:
            with keras.GradientTape() as inner:
                y = x * x * x
            slope = inner.gradient(y, x)
        second = outer.gradient(slope, x)
    with pytest.raises(NotImplementedError, match="gradient of a gradient is not available"):
        third.gradient(second, x)
    pooled = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(1)]
    )
    samples = keras.constant(np.ones((2, 4)))

    def penalty(model, stop):
        with keras.GradientTape() as outer:
            with keras.GradientTape() as inner:
                inner.watch(samples)
                y = model(samples, training=True)
            slopes = inner.gradient(y, samples)
            loss = ops.sum(ops.square(ops.stop_gradient(slopes) if stop else slopes)) + ops.sum(y)
        return outer.gradient(loss, model.trainable_variables)

    with pytest.raises(NotImplementedError, match=r"batch normalization in training.*stop_gradient"):
        penalty(pooled, False)
    assert len(penalty(pooled, True)) == 6
    mish = keras.Sequential([keras.Input((4,)), layers.Dense(3, "mish"), layers.Dense(1)])
    with pytest.raises(NotImplementedError, match="the activation mish"):
        penalty(mish, False)
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            y = ops.sum(mish(samples))
        slopes = inner.gradient(y, mish.trainable_variables)
        loss = ops.sum(slopes[0] * slopes[0])
    with pytest.raises(NotImplementedError, match="by the weights of layers"):
        outer.gradient(loss, mish.trainable_variables)
