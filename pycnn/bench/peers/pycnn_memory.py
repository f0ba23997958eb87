"""Memory of training: `python pycnn_memory.py DATA BATCH` prints bytes beyond Python, NumPy and the data."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
from keras_network import keras_model  # type: ignore
from memory import peak_bytes, reset_peak  # type: ignore
from networks import NETWORKS  # type: ignore

_IMAGES = 4096


def main() -> None:
    with np.load(sys.argv[1]) as file:
        x = np.empty((_IMAGES, 28, 28, 1), np.float32)
        np.divide(file["x"].reshape(x.shape), np.float32(255), out=x)
        y = file["y"].astype(np.int32)
    reset_peak()
    before = peak_bytes()
    os.environ.pop("PYCNN_BENCH_DATA", None)

    import pycnn

    imported = peak_bytes()
    net = keras_model(pycnn, NETWORKS["deck"])
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    net.fit(x, y, batch_size=int(sys.argv[2]), epochs=2, verbose=0)
    print(json.dumps({"import": imported - before, "training": peak_bytes() - before}))


if __name__ == "__main__":
    main()
