"""Functional models that several tests use."""

import numpy as np
from helpers import normal

import pycnn as keras
from pycnn import layers


def residual(name="net"):
    """Images (8, 8, 3) to four probabilities: a sum, channels side by side, a layer used twice."""
    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="a")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    shared = layers.Conv2D(8, 3, padding="same", activation="relu", name="shared")
    y = layers.Add(name="sum")([x, shared(shared(x))])
    y = layers.Concatenate(name="join")(
        [layers.MaxPooling2D(name="max")(y), layers.AveragePooling2D(2, name="mean")(x)]
    )
    y = layers.Dropout(0.2, seed=3, name="drop")(layers.GlobalAveragePooling2D(name="pool")(y))
    return keras.Model(inputs, layers.Dense(4, activation="softmax", name="out")(y), name=name)


def data(rng, n=48):
    return normal(rng, n, 8, 8, 3), rng.integers(0, 4, n)


def trained(model, x, y, epochs=2):
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=epochs, shuffle=False, verbose=0)
    return history.history


def same_weights(a, b):
    for ours, theirs in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def twins(inner):
    """A model that uses another one twice."""
    x = keras.Input((8, 8, 3), name="x")
    y = layers.Add(name="both")([inner(x), inner(layers.Rescaling(0.5, name="half")(x))])
    return keras.Model(x, layers.Dense(2, name="last")(y), name="twins")
