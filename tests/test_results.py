"""What layers, models and losses return answers `numpy()`, and is NumPy's in every other way."""

import copy
import pickle

import numpy as np
import pytest

import pycnn as keras
from pycnn import layers

X = np.ones((3, 2), np.float32)


def test_arrays_and_numbers():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
    loss = keras.losses.MeanSquaredError()
    y = model(X)
    for array in (y, layers.ReLU()(X), y + 1, y[0], keras.losses.MeanSquaredError(reduction=None)(y, y)):
        assert isinstance(array, np.ndarray)
        assert type(array.numpy()) is np.ndarray
        np.testing.assert_array_equal(array.numpy(), array)
    for number in (loss(np.zeros((3, 1)), y), y.mean(), y.sum() * np.float32(1)):
        assert isinstance(number, np.float32)
    value = loss(np.zeros((3, 1)), y)
    assert type(value.numpy()) is np.float32
    assert type(y.max().numpy()) is np.float32
    assert (float(value), f"{value:.2f}", f"{y.mean():.1f}") == (4.0, "4.00", "2.0")
    assert repr(y).startswith("array([[2.]")
    for other in (pickle.loads(pickle.dumps(y)), copy.deepcopy(y), np.asarray(y.tolist())):
        np.testing.assert_array_equal(other, y)
    assert pickle.loads(pickle.dumps(value)) == value
    assert type(model.predict(X)) is np.ndarray  # as in Keras
    np.testing.assert_array_equal(layers.Dense(1, kernel_initializer="ones")(y), y)
    assert bool((y > 0).all())


def test_several_outputs():
    x = keras.Input((2,))
    model = keras.Model(x, {"a": layers.ReLU()(x), "b": layers.Flatten()(x)})
    assert {name: type(part.numpy()) for name, part in model(X).items()} == {"a": np.ndarray, "b": np.ndarray}


class Own(keras.metrics.Metric):
    def update_state(self, y_true, y_pred, sample_weight=None):
        self.last = float(np.mean(y_pred))

    def result(self):
        return self.last


def test_metrics():
    for metric in (
        keras.metrics.BinaryAccuracy(),
        keras.metrics.AUC(),
        keras.metrics.MeanSquaredError(),
        Own(),
    ):
        value = metric(np.array([[0.0], [1.0]]), np.array([[0.25], [1.0]]))
        for result in (value, metric.result()):
            assert type(result.numpy()) is np.float32
            assert result.numpy() == np.float32(result)
    mean = keras.metrics.Mean()
    mean.update_state([1.0, 2.0])
    assert (f"{mean.result():.2f}", isinstance(mean.result(), float)) == ("1.50", True)
    with pytest.warns(DeprecationWarning, match="reset_state"):
        mean.reset_states()
    assert mean.result() == 0
    f1 = keras.metrics.F1Score()
    f1.update_state(np.eye(2), np.eye(2))
    np.testing.assert_allclose(f1.result().numpy(), [1.0, 1.0], rtol=1e-6)
