"""A trained network learns other pictures: `python examples/transfer_learning.py [FOLDER] [WEIGHTS]`.

As in courses: a network for ImageNet without its classifier is frozen and cut in its middle, a classifier for
two classes is trained on its features, then the last blocks are trained with it at a small rate, while batch
normalization keeps working as in inference. FOLDER has one folder of pictures for each of two classes;
without it, dots and stripes are drawn. WEIGHTS is 'imagenet', or a file of weights without the classifier;
without it the weights are random, and batch normalization gets the statistics of the pictures, which does for
dots and stripes. The program ends with an error where nothing was learnt.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import pycnn as keras
from pycnn import layers

SIZE = 75  # height and width in pixels, the least that Inception v3 takes


def draw_pictures(folder, count, rng):
    """Dots and stripes of any distance and colour."""
    for kind in ("dots", "stripes"):
        (folder / kind).mkdir(parents=True)
        for i in range(count):
            ground, colour = (tuple(int(c) for c in rng.integers(low, low + 90, 3)) for low in (0, 160))
            image = Image.new("RGB", (90, 90), ground)
            draw, step = ImageDraw.Draw(image), int(rng.integers(10, 20))
            for y in range(int(rng.integers(step)), 90, step):
                if kind == "stripes":
                    draw.rectangle([0, y, 89, y + step // 3], fill=colour)
                    continue
                for x in range(int(rng.integers(step)), 90, step):
                    draw.ellipse([x, y, x + step // 2, y + step // 2], fill=colour)
            image.save(folder / kind / f"{i}.png")


def read_pictures(folder, rng):
    """Pictures (n, SIZE, SIZE, 3) from 0 to 255, labels and the classes' names, shuffled."""
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files = [(path, i) for i, name in enumerate(classes) for path in sorted((folder / name).iterdir())]
    files = [files[i] for i in rng.permutation(len(files))]
    x = [np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE))) for path, _ in files]
    return np.stack(x).astype(np.float32), np.array([label for _, label in files]), classes


def adapt_statistics(network, x):
    """Gives the batch normalization of a network with random weights the statistics of pictures."""
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
    network.compile(keras.optimizers.SGD(0.0), "mse")
    network.fit(x, np.zeros((len(x), *network.output_shape[1:])), batch_size=len(x), verbose=0)


def main(folder, weights):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x, y, classes = read_pictures(folder, rng)
    if len(classes) != 2:
        raise SystemExit(f"{folder} has {len(classes)} folders; expected two, one for each class")
    x = keras.applications.inception_v3.preprocess_input(x)
    held_out = len(x) // 4
    (xt, yt), (x, y) = (x[:held_out], y[:held_out]), (x[held_out:], y[held_out:])

    network = keras.applications.InceptionV3(weights=weights, include_top=False, input_shape=(SIZE, SIZE, 3))
    base = keras.Model(network.input, network.get_layer("mixed7").output, name="base")
    if weights is None:
        adapt_statistics(base, x[:32])
    base.trainable = False

    features = keras.Input(base.output_shape[1:])
    h = layers.Flatten()(features)
    h = layers.Dense(1024, activation="relu")(h)
    h = layers.Dropout(0.2)(h)
    top = keras.Model(features, layers.Dense(1, activation="sigmoid")(h), name="top")

    # Nothing random comes before the frozen layers: their features are the same in all epochs.
    top.compile(keras.optimizers.RMSprop(1e-4), "binary_crossentropy", metrics=["accuracy"])
    known, known_test = base.precompute_features(x), base.precompute_features(xt)
    top.fit(known, y, epochs=10, batch_size=16, validation_data=(known_test, yt), verbose=2)

    inputs = keras.Input((SIZE, SIZE, 3))
    model = keras.Model(inputs, top(base(inputs, training=False)), name="fine_tuned")
    blocks = [layer.name for layer in base.layers]
    for layer in base.layers[blocks.index("mixed6") + 1 :]:
        layer.trainable = True
    model.compile(keras.optimizers.RMSprop(1e-5), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, batch_size=32, verbose=2)

    _, accuracy = model.evaluate(xt, yt, verbose=0)
    print(f"{classes[0]} or {classes[1]}: test accuracy {accuracy:.3f}")
    if accuracy < 0.8:
        raise SystemExit("not learnt")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
    else:
        with tempfile.TemporaryDirectory() as drawn:
            draw_pictures(Path(drawn), 60, np.random.default_rng(1))
            main(Path(drawn), None)
