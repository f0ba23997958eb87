"""From nothing to a trained network: `python pycnn_accuracy.py SEED [EPOCHS]` prints the test accuracy.

It reads Fashion-MNIST from the disk, trains the network "deck" for a number of epochs fixed beforehand, and
tests once, at the end. Adam's rate rises over the first steps, then falls evenly to zero.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np

import pycnn as keras

# Chosen on 10,000 images that were held out of the training set. WARM_UP is a share of the steps.
EPOCHS, BATCH, RATE, WARM_UP = 4, 64, 3e-3, 0.3
MEAN, DEVIATION = 0.286, 0.353  # of the training images in [0, 1]


class RiseAndFall(keras.callbacks.Callback):
    """Sets the rate of every step."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps, self._step = steps, 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        done = self._step / self._steps
        self._step += 1
        self.model.optimizer.learning_rate = RATE * min((done + 0.01) / WARM_UP, (1 - done) / (1 - WARM_UP))


def scaled(images: Any) -> Any:
    """Mean 0 and deviation 1, with a channel axis."""
    return (images[..., None].astype(np.float32) / 255 - MEAN) / DEVIATION


def main() -> None:
    seed, epochs = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else EPOCHS
    train, test = keras.datasets.fashion_mnist.load_data()
    (x, y), (x_test, y_test) = ((scaled(images), labels) for images, labels in (train, test))
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
        layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    schedule = RiseAndFall(epochs * math.ceil(len(x) / BATCH))
    model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[schedule])
    accuracy = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1]
    print(json.dumps({"accuracy": accuracy, "epochs": epochs}))


if __name__ == "__main__":
    main()
