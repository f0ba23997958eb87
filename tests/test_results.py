"""What layers, models and losses return answers `numpy()`, and is NumPy's in every other way."""

import copy
import pickle

import numpy as np

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
