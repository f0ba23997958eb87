"""What layers add to the loss by `add_loss` and regularizers of outputs: in `fit`, after calls, in tapes."""

import copy

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers, ops

X = np.random.default_rng(0).random((16, 4), np.float32)
Y = X.sum(1, keepdims=True) * 2


class Penalty(layers.Layer):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        self.add_loss(self.factor * ops.mean(ops.square(x)))
        return x


class Outer(layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = Penalty(0.5)

    def call(self, x):
        return self.inner(x) * 1.0


@pytest.mark.parametrize(("layer", "factor"), [(Penalty, 1.0), (Outer, 0.5)])
def test_add_loss(layer, factor):
    inside = layer()
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, kernel_initializer="ones"), inside])
    total = X.astype(np.float64).sum(1, keepdims=True)
    penalty = factor * np.square(total).mean()
    model.compile(keras.optimizers.SGD(0.5), "mse")
    np.testing.assert_allclose(
        model.evaluate(X, Y, verbose=0), np.square(total - Y).mean() + penalty, rtol=1e-6
    )
    gradient = X.T @ (2 * (total - Y) + 2 * factor * total) / len(X)
    model.fit(X, Y, batch_size=16, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], 1 - 0.5 * gradient, rtol=1e-5)


class Three(keras.Model):
    """Adds to the loss by itself, by a layer inside, and by a regularizer of outputs."""

    def __init__(self):
        super().__init__()
        regularizer = keras.regularizers.L2(0.5)
        self.dense = layers.Dense(1, kernel_initializer="ones", activity_regularizer=regularizer)
        self.outer = Outer()

    def call(self, x, training=False):
        y = self.outer(self.dense(x))
        self.add_loss([ops.square(y)] * (1 + training))
        return y


def test_losses_are_seen_after_a_call_and_in_a_tape():
    total = X.astype(np.float64).sum(1, keepdims=True)
    mean = np.square(total).mean()
    functional = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(1, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.25)),
            layers.ActivityRegularization(l2=0.5),
            Penalty(2.0),
        ]
    )
    assert len(functional.losses) == 1
    for _ in range(2):  # those of the last call alone
        functional(X)
        np.testing.assert_allclose(functional.losses, [0.5 * mean, 2 * mean, 1.0], rtol=1e-5)
        np.testing.assert_allclose(functional.layers[-1].losses, [2 * mean], rtol=1e-5)
    model = Three()
    model(X, training=True)
    raw, again, dense, inner = model.losses
    np.testing.assert_allclose(raw, np.square(total), rtol=1e-5)
    np.testing.assert_array_equal(again, raw)
    np.testing.assert_allclose([dense, inner], [0.5 * mean, 0.5 * mean], rtol=1e-5)
    np.testing.assert_allclose(model.outer.inner.losses, [0.5 * mean], rtol=1e-5)
    for each in (functional, model):
        for _ in range(2):
            with keras.GradientTape() as tape:
                each(X, training=True)
                loss = sum(ops.sum(value) for value in each.losses)
            # The sum of squares once more for each of the two that are no means; the weights' regularizer.
            factor, weights = (2.5, 0.5) if each is functional else (2 * len(X) + 1, 0)
            expected = factor * 2 * X.T @ total / len(X) + weights
            np.testing.assert_allclose(tape.gradient(loss, each.trainable_variables)[0], expected, rtol=1e-4)
    model(X)
    assert len(model.losses) == 3
    *_, found = model.stateless_call(
        [w.numpy() for w in model.trainable_variables], [], X, return_losses=True
    )
    np.testing.assert_allclose(found[0], np.square(total), rtol=1e-5)
    assert not copy.deepcopy(model).losses


class Steps(keras.Model):
    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


@pytest.mark.parametrize("loss", ["mse", None])
def test_added_losses_in_a_step_of_one_s_own(loss):
    """The same as in a step of the core."""
    weights = []
    for cls in (keras.Model, Steps):
        inputs = keras.Input((4,))
        x = layers.Dense(1, kernel_initializer="ones", activity_regularizer="l2")(inputs)
        model = cls(inputs, Penalty(0.1)(x))
        model.compile(keras.optimizers.SGD(0.1), loss)
        model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights()[0])
    np.testing.assert_allclose(*weights, rtol=1e-4, atol=1e-6)


def test_as_many_losses_in_every_call():
    class Forgets(layers.Layer):
        calls = 0

        def call(self, x):
            self.calls += 1
            if self.calls % 2 == 0:
                self.add_loss(ops.sum(x))
            return x

    with keras.GradientTape():
        y = Forgets()(X)
    with pytest.raises(ValueError, match="added 0 losses this time, and 1 before"):
        y.numpy()


def test_add_loss_alone():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1), Penalty()])
    model.compile("adam")
    history = model.fit(X, epochs=3, verbose=0).history
    assert history["loss"] == sorted(history["loss"], reverse=True)


def test_add_loss_is_refused():
    with pytest.raises(RuntimeError, match="outside of `call`"):
        Penalty().add_loss(3.0)
