"""What the tests of functions on symbols share: models of one function, and gradients against differences."""

import numpy as np
from helpers import central_differences, tolerance

import pycnn as keras


def model_of(function, *arrays):
    """A model of a function of symbols, one for each array of samples."""
    inputs = [keras.Input(array.shape[1:] or (1,)) for array in arrays]
    # An Input has at least one axis besides the batch.
    symbols = [
        x if array.ndim > 1 else keras.ops.squeeze(x, 1) for x, array in zip(inputs, arrays, strict=True)
    ]
    return keras.Model(inputs, function(*symbols))


def predicted(function, *arrays):
    """What a model of the function predicts for arrays of samples."""
    samples = [
        array.reshape(array.shape if array.ndim > 1 else (-1, 1)).astype(np.float32) for array in arrays
    ]
    return model_of(function, *arrays).predict(samples, verbose=0)


def check(function, expected, *arrays, terms=1, unit=1.0, batch=True):
    """The function of symbols, and of the arrays themselves, gives what NumPy's gives in float64."""
    arrays = [np.asarray(array, np.float32) for array in arrays]
    right = expected(*(array.astype(np.float64) for array in arrays))
    close(function(*arrays), right, terms, unit)
    close(predicted(function, *arrays), right, terms, unit)


def close(actual, expected, terms=1, unit=1.0):
    assert np.shape(actual) == np.shape(expected)
    limit = tolerance(terms, unit * np.sqrt(max(terms, 1)))
    np.testing.assert_allclose(actual, expected, rtol=tolerance(2, 1), atol=limit)


def check_gradient(function, expected, *arrays, terms=16):
    """The gradients by every input of a weighted sum of the function are those of central differences."""
    arrays = [np.asarray(array, np.float32) for array in arrays]
    doubles = [array.astype(np.float64) for array in arrays]
    shape = np.shape(expected(*doubles))
    weights = np.random.default_rng(5).uniform(0.5, 1.5, shape[1:]).astype(np.float32)

    def gradients(*inputs):
        return keras.ops.gradient(function(*inputs) * weights, list(inputs))

    found = predicted(gradients, *arrays)
    for k, gradient in enumerate([found] if len(arrays) == 1 else found):

        def total(x, k=k):
            return (expected(*doubles[:k], x, *doubles[k + 1 :]) * weights.astype(np.float64)).sum()

        right = central_differences(total, doubles[k].copy(), 1e-6)
        magnitude = max(1.0, np.abs(right).max())
        # Differences of step h have an error of h^2 f''' and of the rounding of f in float64 divided by h.
        rounding = 8 * np.finfo(np.float64).eps * max(1.0, abs(total(doubles[k]))) / 1e-6
        np.testing.assert_allclose(
            gradient, right, rtol=0, atol=tolerance(terms, magnitude) + rounding + 1e-9
        )
