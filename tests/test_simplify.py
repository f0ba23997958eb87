"""What models of several parts ask for twice, or to and fro, runs once: fewer tasks, the same results."""

import numpy as np
from helpers import tolerance

import pycnn as keras
from pycnn import ops
from pycnn.layers import BatchNormalization, Conv2D, Lambda, MaxPooling2D


def tasks(model, training=False):
    """The lines of the plan for a batch of 8, without the first one."""
    network = model._trained.network if training else model._ready(None).network
    return network.summary_of_plan(training, 8).splitlines()[1:]


def blocks(data_format):
    """Layers that convert images of channels_first, each for itself."""
    x = keras.Input((3, 12, 12) if data_format == "channels_first" else (12, 12, 3))
    axis = 1 if data_format == "channels_first" else -1
    y = Conv2D(5, 3, data_format=data_format, activation="relu")(x)
    y = MaxPooling2D(data_format=data_format)(BatchNormalization(axis=axis)(y))
    return keras.Model(x, Conv2D(4, 3, data_format=data_format)(y))


def test_data_in_channels_first_is_converted_once(rng):
    x = rng.normal(size=(8, 3, 12, 12)).astype("f")
    first, last = blocks("channels_first"), blocks("channels_last")
    last.set_weights(first.get_weights())
    assert len(tasks(first)) == len(tasks(last)) + 2  # on the way in and on the way out
    expected = np.moveaxis(last.predict(np.moveaxis(x, 1, -1), verbose=0), -1, 1)
    assert first.predict(x, verbose=0).tobytes() == expected.tobytes()


def standardized(x):
    return (x - ops.mean(x, -1, keepdims=True)) / ops.std(x, -1, keepdims=True)


def written_out(x):
    """The same, with the mean in a variable of its own."""
    mean = ops.mean(x, -1, keepdims=True)
    return (x - mean) / ops.sqrt(ops.mean(ops.square(x - mean), -1, keepdims=True))


def test_equal_parts_of_functions_run_once(rng):
    x = rng.normal(size=(8, 5, 7)).astype("f")
    models = [keras.Sequential([keras.Input((5, 7)), Lambda(f)]) for f in (standardized, written_out)]
    assert len(tasks(models[0])) == len(tasks(models[1]))
    results = [model.predict(x, verbose=0) for model in models]
    assert results[0].tobytes() == results[1].tobytes()
    centred = x - x.mean(-1, keepdims=True, dtype="d")
    expected = centred / np.sqrt((centred**2).mean(-1, keepdims=True))
    np.testing.assert_allclose(results[0], expected, atol=tolerance(16, 4))


def gated(x):
    """Two branches that begin with the same function of x, as NASNet's cells do."""
    return ops.tanh(x) * ops.sin(ops.tanh(x))


def test_training_through_what_runs_once(rng):
    x = rng.normal(size=(8, 6)).astype("f")
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3), Lambda(gated)])
    kernel = model.get_weights()[0].astype("d")
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(x, np.zeros((8, 3), "f"))
    assert not [task for task in tasks(model, training=True) if "tanh" in task]  # the dense layer applies it
    t = np.tanh(x @ kernel)
    slope = (np.sin(t) + t * np.cos(t)) * (1 - t**2)
    expected = x.T.astype("d") @ (2 * t * np.sin(t) * slope / t.size)
    np.testing.assert_allclose(kernel - model.get_weights()[0], expected, atol=tolerance(64, 4))


def test_gradients_by_one_of_two_equal_values(rng):
    x = keras.Variable(rng.normal(size=(4, 3)))
    with keras.GradientTape() as tape:
        one, other = ops.exp(x), ops.exp(x)
        y = one * other
    np.testing.assert_allclose(tape.gradient(y, one), np.exp(x.numpy()), rtol=1e-6)
