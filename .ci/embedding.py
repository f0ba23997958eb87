"""Checks programs in C and C++ that classify a picture: python .ci/embedding.py PROGRAM...

Each gets a model's file and a picture, and must print the three classes that Python finds.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import pycnn as keras


def main() -> int:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.Input((28, 28, 1)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(8, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    pixels = np.random.default_rng(1).integers(0, 256, (28, 28), np.uint8)
    probabilities = model.predict(pixels.reshape(1, 28, 28, 1), verbose=0)[0]
    expected = [(f"{100 * probabilities[i]:.1f}", str(i)) for i in np.argsort(-probabilities)[:3]]
    with tempfile.TemporaryDirectory() as folder:
        file, picture = Path(folder, "model.safetensors"), Path(folder, "picture.pgm")
        model.save(str(file))
        picture.write_bytes(b"P5\n28 28\n255\n" + pixels.tobytes())
        for program in sys.argv[1:]:
            printed = subprocess.run([program, file, picture], capture_output=True, text=True, check=False)
            found = re.findall(r"^ *([\d.]+) % +(\d+)", printed.stdout, re.MULTILINE)
            if printed.returncode or found != expected:
                print(f"{program} printed {printed.stdout}{printed.stderr}; expected {expected}")
                return 1
    print(f"{len(sys.argv) - 1} programs say what Python says: {expected}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
