"""Two inputs, two outputs, parts of one's own: `python examples/two_outputs.py [EPOCHS]`.

Pictures of Fashion-MNIST are moved by some pixels and made darker. The network gets a picture and how bright
it was left, and answers two questions: which class, and how far to the right it was moved. With a layer, a
loss and a metric of one's own, written in `keras.ops`.
"""

import sys

import numpy as np

import pycnn as keras
from pycnn import layers, ops

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
keras.utils.set_random_seed(0)


@keras.saving.register_keras_serializable("examples")
class SqueezeAndExcite(layers.Layer):
    """Scales each channel by what two dense layers make of all channels' means (Hu et al. 2017)."""

    def build(self, input_shape):
        channels = input_shape[-1]
        self.squeeze = layers.Dense(channels // 4, activation="relu")
        self.excite = layers.Dense(channels, activation="sigmoid")

    def call(self, x):
        gate = self.excite(self.squeeze(ops.mean(x, axis=(1, 2))))
        return x * ops.expand_dims(ops.expand_dims(gate, 1), 1)


def smooth_distance(y_true, y_pred):
    """A loss: like the absolute difference, but round at zero."""
    return ops.mean(ops.sqrt(1 + ops.square(y_true - y_pred)) - 1, axis=-1)


def within_one(y_true, y_pred):
    """A metric: how often it is off by less than a pixel."""
    return ops.mean(ops.cast(ops.abs(y_true - y_pred) < 1, "float32"), axis=-1)


def moved(images, seed):
    """Pictures moved to the right by -3 to 3 pixels and made darker, how bright they are, and the way."""
    rng = np.random.default_rng(seed)
    way, light = rng.integers(-3, 4, len(images)), rng.uniform(0.3, 1, len(images)).astype(np.float32)
    columns = (np.arange(28) - way[:, None]) % 28
    x = np.take_along_axis(images, columns[:, None, :], axis=2)[..., None] / np.float32(255)
    return {"picture": x * light[:, None, None, None], "light": light[:, None]}, way[:, None].astype(
        np.float32
    )


(x, y), (xt, yt) = keras.datasets.fashion_mnist.load_data()
picture, light = keras.Input((28, 28, 1), name="picture"), keras.Input((1,), name="light")
h = layers.Conv2D(24, 3, activation="relu")(picture / ops.reshape(light, (-1, 1, 1, 1)))
h = SqueezeAndExcite()(layers.MaxPooling2D(2)(h))
h = layers.Flatten()(layers.MaxPooling2D(2)(layers.Conv2D(48, 3, activation="relu")(h)))
h = layers.Dense(96, activation="relu")(h)
outputs = {
    "kind": layers.Dense(10, activation="softmax", name="kind")(h),
    "way": layers.Dense(1, name="way")(h),
}
model = keras.Model([picture, light], outputs, name="two_outputs")
model.compile(
    "adam",
    loss={"kind": "sparse_categorical_crossentropy", "way": smooth_distance},
    loss_weights={"kind": 1.0, "way": 0.5},
    metrics={"kind": "accuracy", "way": within_one},
)
inputs, way = moved(x, 1)
model.fit(inputs, {"kind": y, "way": way}, batch_size=64, epochs=epochs)
inputs, way = moved(xt, 2)
found = model.evaluate(inputs, {"kind": yt, "way": way}, return_dict=True, verbose=0)
print(f"test accuracy {found['kind_accuracy']:.4f}, way known to a pixel {found['way_within_one']:.4f}")
