"""A small network for figures, trained in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycnn.explain import samples

if TYPE_CHECKING:
    from pycnn.models import Model


def trained(epochs: int = 3) -> Model:
    """Two convolutions and a dense layer, trained on the 3,000 images of Fashion-MNIST's sample."""
    import pycnn as keras
    from pycnn import layers

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu", name="conv_1"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, activation="relu", name="conv_2"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    x, y = samples.sample("train")
    model.fit(x[..., None] / np.float32(255), y, epochs=epochs, batch_size=64, verbose=0)
    return model
