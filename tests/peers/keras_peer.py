"""Keras on whichever backend is installed, and gradients through it."""

import importlib.util
import os
import warnings

import numpy as np
import pytest

BACKENDS = ("torch", "tensorflow", "jax")


def load():
    """The keras module; skips the calling test module where Keras or a backend for it is missing."""
    backend = os.environ.get("KERAS_BACKEND")
    if backend is None:
        backend = next((name for name in BACKENDS if importlib.util.find_spec(name)), None)
        if backend is None:
            pytest.skip("no backend of Keras is installed: torch, tensorflow or jax", allow_module_level=True)
        os.environ["KERAS_BACKEND"] = backend
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed", allow_module_level=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras
    return keras


def value_and_gradients(function, dy, *arrays):
    """function(*arrays) as NumPy array, and the gradients of sum(dy * function(*arrays)) by each array."""
    import keras

    backend = keras.backend.backend()
    if backend == "torch":
        tensors = [keras.ops.convert_to_tensor(array).requires_grad_(True) for array in arrays]
        y = function(*tensors)
        (y * keras.ops.convert_to_tensor(dy)).sum().backward()
        gradients = [tensor.grad for tensor in tensors]
    elif backend == "tensorflow":
        import tensorflow as tf

        tensors = [tf.convert_to_tensor(array) for array in arrays]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            y = function(*tensors)
            total = tf.reduce_sum(y * dy)
        gradients = tape.gradient(total, tensors)
    else:
        import jax

        def both(*arrays):
            y, backward = jax.vjp(function, *arrays)
            return y, backward(dy)

        y, gradients = jax.jit(both)(*arrays)  # compiled once, and not each operation of it
    return keras.ops.convert_to_numpy(y), [
        np.asarray(keras.ops.convert_to_numpy(gradient)) for gradient in gradients
    ]
