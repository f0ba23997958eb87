"""A network in Keras' words, for whichever library speaks them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common import Prepared, classes, weights_of  # type: ignore
from networks import Conv, Dense, Network, Relu, Residual  # type: ignore


def keras_model(keras: Any, network: Network, batch: int | None = None) -> Any:
    """The model with its weights, not compiled.

    Args:
        keras: the module.
        network: the description.
        batch: a fixed number of images, or None for any.
    """
    made: list[Any] = []

    def layer_of(layer: Any) -> Any:
        made.append(keras_layer(keras.layers, layer))
        return made[-1]

    def build(layers: Sequence[Any], x: Any) -> Any:
        for layer in layers:
            if isinstance(layer, Residual):
                x = keras.layers.add([build(layer.body, x), build(layer.shortcut, x)])
            else:
                x = layer_of(layer)(x)
        return x

    last = keras.layers.Activation("softmax" if classes(network) > 1 else "sigmoid")
    x = keras.Input(batch_shape=(batch, *network.input)) if batch else keras.Input(network.input)
    if any(isinstance(layer, Residual) for layer in network.layers):
        net = keras.Model(x, last(build(network.layers, x)))
    else:
        net = keras.Sequential([x, *map(layer_of, network.layers), last])
    arrays = iter(weights_of(network))
    for layer in made:
        layer.set_weights([next(arrays) for _ in layer.weights])
    return net


def keras_layer(layers: Any, layer: Any) -> Any:
    """One layer."""
    if isinstance(layer, Conv):
        return layers.Conv2D(layer.filters, layer.size, layer.strides, layer.padding, use_bias=layer.bias)
    if isinstance(layer, Dense):
        return layers.Dense(layer.units)
    if isinstance(layer, Relu):
        return layers.ReLU()
    plain = {
        "BatchNorm": layers.BatchNormalization, "MaxPool": layers.MaxPooling2D, "Flatten": layers.Flatten,
        "GlobalAverage": layers.GlobalAveragePooling2D,
    }  # fmt: skip
    return plain[type(layer).__name__]()


def loss_name(network: Network) -> str:
    """What it is trained with."""
    return "sparse_categorical_crossentropy" if classes(network) > 1 else "binary_crossentropy"


def trained(net: Any, x: Any, y: Any, batch: int) -> Prepared:
    """Passes of `fit` over all pictures, of a network with a softmax; its probabilities before that."""
    outputs = [net.predict_on_batch(x[:batch])]
    net.compile("adam", "sparse_categorical_crossentropy")

    def fit(calls: int) -> int:
        net.fit(x, y, batch_size=batch, epochs=1, shuffle=False, verbose=0)
        return len(x) // batch

    return Prepared(fit, outputs)
