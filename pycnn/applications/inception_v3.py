"""Inception v3: Szegedy et al. 2016, Rethinking the Inception architecture (arXiv:1512.00567)."""

from __future__ import annotations

from typing import Any

from pycnn import layers
from pycnn.applications.building import application
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.published import weights
from pycnn.core.symbolic import KerasTensor

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]


def _conv(
    x: KerasTensor, filters: int, rows: int, columns: int, stride: int = 1, padding: str = "same"
) -> Any:
    x = layers.Conv2D(filters, (rows, columns), strides=stride, padding=padding, use_bias=False)(x)
    return layers.Activation("relu")(layers.BatchNormalization(axis=3, scale=False)(x))


def _chain(x: KerasTensor, *convolutions: tuple[Any, ...]) -> Any:
    for convolution in convolutions:
        x = _conv(x, *convolution)
    return x


def _mixed(name: str | None, *branches: KerasTensor) -> Any:
    return layers.concatenate(list(branches), axis=3, name=name)


def _pooled(x: KerasTensor, filters: int) -> Any:
    return _conv(layers.AveragePooling2D((3, 3), strides=(1, 1), padding="same")(x), filters, 1, 1)


def _smaller(x: KerasTensor) -> Any:
    return layers.MaxPooling2D((3, 3), strides=(2, 2))(x)


def _features(x: KerasTensor, given: Any) -> Any:
    x = _chain(x, (32, 3, 3, 2, "valid"), (32, 3, 3, 1, "valid"), (64, 3, 3))
    x = _chain(_smaller(x), (80, 1, 1, 1, "valid"), (192, 3, 3, 1, "valid"))
    x = _smaller(x)
    for number, pooled in enumerate((32, 64, 64)):  # 35 x 35
        x = _mixed(
            f"mixed{number}",
            _conv(x, 64, 1, 1),
            _chain(x, (48, 1, 1), (64, 5, 5)),
            _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
            _pooled(x, pooled),
        )
    x = _mixed(
        "mixed3",
        _conv(x, 384, 3, 3, 2, "valid"),
        _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3, 2, "valid")),
        _smaller(x),
    )
    for number, c in enumerate((128, 160, 160, 192), 4):  # 17 x 17
        x = _mixed(
            f"mixed{number}",
            _conv(x, 192, 1, 1),
            _chain(x, (c, 1, 1), (c, 1, 7), (192, 7, 1)),
            _chain(x, (c, 1, 1), (c, 7, 1), (c, 1, 7), (c, 7, 1), (192, 1, 7)),
            _pooled(x, 192),
        )
    x = _mixed(
        "mixed8",
        _chain(x, (192, 1, 1), (320, 3, 3, 2, "valid")),
        _chain(x, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3, 2, "valid")),
        _smaller(x),
    )
    for number in range(2):  # 8 x 8
        single = _conv(x, 320, 1, 1)
        y = _conv(x, 384, 1, 1)
        double = _mixed(f"mixed9_{number}", _conv(y, 384, 1, 3), _conv(y, 384, 3, 1))
        y = _chain(x, (448, 1, 1), (384, 3, 3))
        triple = _mixed(None, _conv(y, 384, 1, 3), _conv(y, 384, 3, 1))
        x = _mixed(f"mixed{9 + number}", single, double, triple, _pooled(x, 192))
    return x


InceptionV3 = application(
    "InceptionV3",
    "inception_v3",
    _features,
    summary="Inception v3, Szegedy et al. 2016 (arXiv:1512.00567), for pixels from -1 to 1.",
    outputs=2048,
    size=299,
    smallest=75,
    imagenet=lambda given: weights(
        given,
        "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels",
        "9a0d58056eeedaa3f26cb7ebd46da564",
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
)

preprocess_input = preprocessing("tf")
