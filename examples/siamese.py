"""Are two pictures of one kind? `python examples/siamese.py [EPOCHS]`.

A siamese network: both pictures go through the same layers, and the distance of what comes out decides
(contrastive loss; Hadsell, Chopra and LeCun 2006). Tested on pairs of test pictures, half of one class.
"""

import sys

import numpy as np

import pycnn as keras
from pycnn import layers, ops

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
keras.utils.set_random_seed(0)
MARGIN = 1.0


def pairs(images, labels, count, seed):
    """Pictures a and b, and 1 where both are of one class."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, len(images), count)
    same = rng.integers(0, 2, count)
    of_class = [np.flatnonzero(labels == label) for label in range(10)]
    wanted = (labels[a] + np.where(same, 0, rng.integers(1, 10, count))) % 10
    b = np.array([rng.choice(of_class[label]) for label in wanted])
    return [images[a], images[b]], same.astype(np.float32).reshape(-1, 1)


def contrastive(y_true, y_pred):
    """Small distances for pairs of one class, at least the margin for others."""
    apart = ops.maximum(MARGIN - y_pred, 0.0)
    return ops.mean(y_true * ops.square(y_pred) + (1 - y_true) * ops.square(apart), axis=-1)


def right(y_true, y_pred):
    """Whether the distance is on its side of half the margin."""
    return ops.cast(ops.equal(ops.cast(y_pred < MARGIN / 2, "float32"), y_true), "float32")


(x, y), (xt, yt) = keras.datasets.fashion_mnist.load_data()
x, xt = x.reshape(-1, 28, 28, 1) / 255, xt.reshape(-1, 28, 28, 1) / 255

tower = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(16),
    ],
    name="tower",
)
first, second = keras.Input((28, 28, 1), name="first"), keras.Input((28, 28, 1), name="second")
difference = layers.subtract([tower(first), tower(second)])
distance = ops.sqrt(ops.sum(ops.square(difference), axis=-1, keepdims=True) + 1e-7)
model = keras.Model([first, second], distance, name="siamese")
model.compile("adam", contrastive, metrics=[right])

pictures, same = pairs(x, y, 40_000, 1)
model.fit(pictures, same, batch_size=128, epochs=epochs)
loss, accuracy = model.evaluate(*pairs(xt, yt, 5_000, 2), verbose=0)
print(f"accuracy on pairs of test pictures {accuracy:.4f}")
