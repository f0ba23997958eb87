"""From nothing to a trained network: `python pycnn_recipe.py RECIPE SEED [EPOCHS]` prints the test accuracy.

It reads Fashion-MNIST from the disk, trains after a recipe of pycnn.recipes, and tests once, at the end.
"""

from __future__ import annotations

import json
import sys

import pycnn as keras
from pycnn.recipes import RECIPES


def main() -> None:
    recipe, seed = RECIPES[sys.argv[1]], int(sys.argv[2])
    epochs = int(sys.argv[3]) if len(sys.argv) > 3 else recipe.epochs
    (x, y), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    keras.utils.set_random_seed(seed)
    model = recipe.compiled()
    recipe.fit(model, x, y, epochs)
    print(json.dumps({"accuracy": recipe.accuracy(model, x_test, y_test), "epochs": epochs}))


if __name__ == "__main__":
    main()
