"""Inception-ResNet v2: Szegedy et al. 2017, Inception-v4 and Inception-ResNet (arXiv:1602.07261)."""

from __future__ import annotations

from typing import Any

from pycnn import layers
from pycnn.applications.building import application
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.published import weights
from pycnn.core.symbolic import KerasTensor
from pycnn.layers.residual import CustomScaleLayer

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

# Of the residual blocks: their number, the factor of what is added, and the branches.
_BLOCKS = {
    "block35": (10, 0.17, (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3)))),
    "block17": (20, 0.1, (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1))))),
    "block8": (10, 0.2, (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1))))),
}


def _conv(
    x: KerasTensor, filters: int, window: Any, stride: int = 1, padding: str = "same", name: str | None = None
) -> Any:
    x = layers.Conv2D(filters, window, strides=stride, padding=padding, use_bias=False, name=name)(x)
    x = layers.BatchNormalization(axis=3, scale=False, name=name and f"{name}_bn")(x)
    return layers.Activation("relu", name=name and f"{name}_ac")(x)


def _chain(x: KerasTensor, *convolutions: tuple[Any, ...]) -> Any:
    for convolution in convolutions:
        x = _conv(x, *convolution)
    return x


def _mixed(name: str, *branches: KerasTensor) -> Any:
    return layers.Concatenate(axis=3, name=name)(list(branches))


def _smaller(x: KerasTensor) -> Any:
    return layers.MaxPooling2D(3, strides=2)(x)


def _residual(x: KerasTensor, kind: str) -> Any:
    """The blocks of one kind; the very last one adds all of its branches and has no ReLU."""
    count, scale, branches = _BLOCKS[kind]
    for i in range(1, count + 1):
        name, last = f"{kind}_{i}", kind == "block8" and i == count
        y = _mixed(f"{name}_mixed", *(_chain(x, *branch) for branch in branches))
        y = layers.Conv2D(x.sample_shape[-1], 1, padding="same", name=f"{name}_conv")(y)
        x = CustomScaleLayer(1.0 if last else scale)([x, y])
        x = x if last else layers.Activation("relu", name=f"{name}_ac")(x)
    return x


def _features(x: KerasTensor, given: Any) -> Any:
    x = _smaller(_chain(x, (32, 3, 2, "valid"), (32, 3, 1, "valid"), (64, 3)))
    x = _smaller(_chain(x, (80, 1, 1, "valid"), (192, 3, 1, "valid")))
    x = _mixed(
        "mixed_5b",
        _conv(x, 96, 1),
        _chain(x, (48, 1), (64, 5)),
        _chain(x, (64, 1), (96, 3), (96, 3)),
        _conv(layers.AveragePooling2D(3, strides=1, padding="same")(x), 64, 1),
    )
    x = _residual(x, "block35")
    x = _mixed(
        "mixed_6a",
        _conv(x, 384, 3, 2, "valid"),
        _chain(x, (256, 1), (256, 3), (384, 3, 2, "valid")),
        _smaller(x),
    )
    x = _residual(x, "block17")
    x = _mixed(
        "mixed_7a",
        _chain(x, (256, 1), (384, 3, 2, "valid")),
        _chain(x, (256, 1), (288, 3, 2, "valid")),
        _chain(x, (256, 1), (288, 3), (320, 3, 2, "valid")),
        _smaller(x),
    )
    return _conv(_residual(x, "block8"), 1536, 1, name="conv_7b")


InceptionResNetV2 = application(
    "InceptionResNetV2",
    "inception_resnet_v2",
    _features,
    summary="Inception-ResNet v2, Szegedy et al. 2017 (arXiv:1602.07261), for pixels from -1 to 1.",
    outputs=1536,
    size=299,
    smallest=75,
    imagenet=lambda given: weights(
        given,
        "inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels",
        "e693bd0210a403b3192acc6073ad2e96",
        "d19885ff4a710c122648d3b5c3b684e4",
    ),
)

preprocess_input = preprocessing("tf")
