"""What a network looks at: `python examples/saliency.py [PICTURE.png] [EPOCHS]`.

A small network learns Fashion-MNIST. Then the saliency of test pictures (how much its score changes with
each pixel; Simonyan et al. 2014) and Grad-CAM (where the feature maps that speak for the class are active;
Selvaraju et al. 2017) are drawn. Both are gradients, and thus outputs of a model like any other.
"""

import sys

import numpy as np

import pycnn as keras
from pycnn import ops

path = sys.argv[1] if len(sys.argv) > 1 else "saliency.png"
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
keras.utils.set_random_seed(0)

(x, y), (xt, yt) = keras.datasets.fashion_mnist.load_data()
x, xt = x.reshape(-1, 28, 28, 1) / 255, xt.reshape(-1, 28, 28, 1) / 255

inputs = keras.Input((28, 28, 1))
h = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
h = keras.layers.MaxPooling2D(2)(h)
for filters in (32, 64):
    h = keras.layers.Conv2D(filters, 3, padding="same")(h)
    h = keras.layers.ReLU(name=f"maps_{filters}")(keras.layers.BatchNormalization()(h))
logits = keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(h))
model = keras.Model(inputs, logits)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss, metrics=["accuracy"])
model.fit(x, y, batch_size=64, epochs=epochs, validation_data=(xt, yt))

# The score of the class that the network sees, and its gradients.
maps, score = model.get_layer("maps_64").output, ops.max(logits, axis=-1)
explained = keras.Model(inputs, [logits, ops.gradient(score, inputs), maps, ops.gradient(score, maps)])

names = keras.datasets.fashion_mnist.class_names
chosen = [int(np.flatnonzero(yt == label)[0]) for label in (9, 2, 1, 8, 5, 7)]
scores, by_pixels, values, by_maps = explained.predict(xt[chosen], verbose=0)
saliency = np.abs(by_pixels).max(-1)
cam = np.maximum((values * by_maps.mean((1, 2), keepdims=True)).sum(-1), 0)


def draw(path):
    """The pictures, and under each its saliency and Grad-CAM."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, len(chosen), figsize=(1.3 * len(chosen), 4.2), layout="constrained")
    for column, place in enumerate(chosen):
        image = xt[place, :, :, 0]
        axes[0, column].imshow(image, cmap="gray_r")
        axes[0, column].set_title(names[scores[column].argmax()], fontsize=9)
        axes[1, column].imshow(saliency[column], cmap="inferno")
        axes[2, column].imshow(image, cmap="gray_r")
        axes[2, column].imshow(
            cam[column], cmap="jet", alpha=0.6, extent=(-0.5, 27.5, 27.5, -0.5), interpolation="bilinear"
        )
    for axis, name in zip(axes[:, 0], ("seen as", "saliency", "Grad-CAM"), strict=True):
        axis.set_ylabel(name, fontsize=9)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=80)


draw(path)
print(f"drawn: {path}")
