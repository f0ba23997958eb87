"""Xception: Chollet 2017, Deep learning with depthwise separable convolutions (arXiv:1610.02357)."""

from __future__ import annotations

from typing import Any

from pycnn import layers
from pycnn.applications.building import application
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.published import weights
from pycnn.core.symbolic import KerasTensor

__all__ = ["Xception", "decode_predictions", "preprocess_input"]


def _relu(x: KerasTensor, name: str) -> Any:
    return layers.Activation("relu", name=f"{name}_act")(x)


def _conv(x: KerasTensor, filters: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(filters, (3, 3), strides=stride, use_bias=False, name=name)(x)
    return _relu(layers.BatchNormalization(name=f"{name}_bn")(x), name)


def _separable(x: KerasTensor, filters: int, name: str) -> Any:
    x = layers.SeparableConv2D(filters, (3, 3), padding="same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def _smaller(x: KerasTensor, number: int, filters: tuple[int, int], relu_first: bool = True) -> Any:
    """Two separable convolutions at half the height and width, beside a convolution of stride 2."""
    residual = layers.Conv2D(filters[1], (1, 1), strides=(2, 2), padding="same", use_bias=False)(x)
    residual = layers.BatchNormalization()(residual)
    for i in (1, 2):
        name = f"block{number}_sepconv{i}"
        x = _relu(x, name) if relu_first or i == 2 else x
        x = _separable(x, filters[i - 1], name)
    x = layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same", name=f"block{number}_pool")(x)
    return layers.add([x, residual])


def _features(x: KerasTensor, given: Any) -> Any:
    x = _conv(_conv(x, 32, 2, "block1_conv1"), 64, 1, "block1_conv2")
    x = _smaller(x, 2, (128, 128), relu_first=False)
    x = _smaller(x, 3, (256, 256))
    x = _smaller(x, 4, (728, 728))
    for number in range(5, 13):
        residual = x
        for i in (1, 2, 3):
            name = f"block{number}_sepconv{i}"
            x = _separable(_relu(x, name), 728, name)
        x = layers.add([x, residual])
    x = _smaller(x, 13, (728, 1024))
    for i, filters in ((1, 1536), (2, 2048)):
        name = f"block14_sepconv{i}"
        x = _relu(_separable(x, filters, name), name)
    return x


Xception = application(
    "Xception",
    "xception",
    _features,
    summary="Xception, Chollet 2017 (arXiv:1610.02357), for pixels from -1 to 1.",
    outputs=2048,
    size=299,
    smallest=71,
    imagenet=lambda given: weights(
        given,
        "xception/xception_weights_tf_dim_ordering_tf_kernels",
        "0a58e3b7378bc2990ea3b43d5981f1f6",
        "b0042744bf5b25fce3cb969f33bebb97",
    ),
)

preprocess_input = preprocessing("tf")
