"""A small network and batches in other forms, for the tests of fit."""

import pycnn as keras
from pycnn import layers

SPARSE = "sparse_categorical_crossentropy"


def network(units=3, activation="softmax", dropout=0.0):
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(dropout),
            layers.Dense(units, activation=activation),
        ]
    )


def compiled(loss=SPARSE, optimizer="sgd", metrics=("accuracy",), **options):
    model = network(**options)
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


class Batches(keras.utils.PyDataset):
    def __init__(self, arrays, size):
        super().__init__()
        self.arrays, self.size, self.passes = arrays, size, 0

    def __len__(self):
        return -(-len(self.arrays[0]) // self.size)

    def __getitem__(self, i):
        return tuple(array[i * self.size : (i + 1) * self.size] for array in self.arrays)

    def on_epoch_end(self):
        self.passes += 1
