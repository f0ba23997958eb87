"""A residual network learns Fashion-MNIST: `python examples/resnet20.py [EPOCHS]`.

The network is the one with 20 layers that He et al. ("Deep residual learning for image recognition", 2016)
made for CIFAR-10: a 3x3 convolution, three stages of three blocks with 16, 32 and 64 channels, and a dense
layer. The program is Keras' except for its import. It ends with an error where the network did not learn.
"""

import sys

import pycnn as keras
from pycnn import layers


def resnet20(input_shape=(28, 28, 1), classes=10, projection=False):
    """The network, not compiled.

    Args:
        input_shape: height, width and channels of the images.
        classes: how many there are.
        projection: whether the shortcut around a block that halves the image is a 1x1 convolution. Otherwise
            it takes every second pixel and has zeros for the new channels, which needs no weights.
    """
    inputs = keras.Input(input_shape)
    x = convolution(inputs, 16)
    for stage in range(3):
        for block in range(3):
            x = residual(x, 16 * 2**stage, 2 if stage > 0 and block == 0 else 1, projection)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x), name="resnet20")


def convolution(x, filters, stride=1, kernel_size=3, relu=True):
    """Convolution and batch normalization, and ReLU if asked for."""
    x = layers.Conv2D(
        filters, kernel_size, stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation("relu")(x) if relu else x


def residual(x, filters, stride, projection):
    """Two convolutions, and a shortcut around them."""
    y = convolution(convolution(x, filters, stride), filters, relu=False)
    if stride > 1 and projection:
        x = convolution(x, filters, stride, kernel_size=1, relu=False)
    elif stride > 1:
        x = layers.MaxPooling2D(1, stride, padding="same")(x)
        x = layers.Concatenate()([x, layers.Rescaling(0.0)(x)])
    return layers.Activation("relu")(layers.Add()([x, y]))


def main(epochs):
    keras.utils.set_random_seed(0)
    (x, y), (xt, yt) = keras.datasets.fashion_mnist.load_data()
    enough = 0.85 if len(x) == 60_000 else 0.5  # less where only the sample in the package is there
    x, xt = x.reshape(-1, 28, 28, 1) / 255, xt.reshape(-1, 28, 28, 1) / 255

    model = resnet20()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    model.fit(x, y, batch_size=128, epochs=epochs, validation_data=(xt, yt))
    _, accuracy = model.evaluate(xt, yt, verbose=0)
    print(f"test accuracy {accuracy:.4f}")
    if accuracy < enough:
        sys.exit(f"test accuracy is below {enough}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
