"""MobileNetV2: Sandler et al. 2018, Inverted residuals and linear bottlenecks (arXiv:1801.04381)."""

from __future__ import annotations

from typing import Any

from pycnn import layers
from pycnn.applications.building import application, check_tensor_size, divisible, downsampling_padding
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.mobilenet import use_published_size
from pycnn.applications.published import KERAS, File
from pycnn.core.symbolic import KerasTensor

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

_SIZES = (96, 128, 160, 192, 224)
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
# Filters, blocks, stride of the first one.
_STAGES = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
_EXPANSION = 6


def _norm(x: KerasTensor, name: str, relu: str | None = None) -> Any:
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=name)(x)
    return x if relu is None else layers.ReLU(6.0, name=relu)(x)


def _block(x: KerasTensor, filters: int, stride: int, number: int) -> Any:
    """A wide depthwise convolution between two narrow ends."""
    shortcut, channels = x, x.sample_shape[-1]
    name = f"block_{number}_" if number else "expanded_conv_"
    if number:
        x = layers.Conv2D(_EXPANSION * channels, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = _norm(x, f"{name}expand_BN", f"{name}expand_relu")
    if stride == 2:
        x = layers.ZeroPadding2D(downsampling_padding(x, 3), name=f"{name}pad")(x)
    x = layers.DepthwiseConv2D(
        3, strides=stride, use_bias=False, padding="same" if stride == 1 else "valid", name=f"{name}depthwise"
    )(x)
    x = _norm(x, f"{name}depthwise_BN", f"{name}depthwise_relu")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _norm(x, f"{name}project_BN")
    return layers.Add(name=f"{name}add")([shortcut, x]) if channels == filters and stride == 1 else x


def _features(x: KerasTensor, given: Any) -> Any:
    filters = divisible(32 * given.alpha)
    x = layers.Conv2D(filters, 3, strides=(2, 2), padding="same", use_bias=False, name="Conv1")(x)
    x = _norm(x, "bn_Conv1", "Conv1_relu")
    number = 0
    for filters, count, stride in _STAGES:
        for i in range(count):
            x = _block(x, divisible(int(filters * given.alpha)), stride if i == 0 else 1, number)
            number += 1
    last = divisible(1280 * given.alpha) if given.alpha > 1 else 1280
    return _norm(layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x), "Conv_1_bn", "out_relu")


def _top(x: KerasTensor, given: Any) -> Any:
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(given.classes, activation=given.classifier_activation, name="predictions")(x)


def _check(given: Any) -> None:
    check_tensor_size(given)
    if given.weights != "imagenet":
        return
    if given.alpha not in _ALPHAS:
        raise ValueError(
            f"If imagenet weights are being loaded, alpha must be one of {', '.join(map(str, _ALPHAS))} "
            f"only; Received `alpha={given.alpha}`"
        )
    use_published_size(given, _SIZES)


def _published(given: Any) -> File:
    name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(given.alpha)}_{given.size}"
    return File(f"{KERAS}mobilenet_v2/{name}{'' if given.include_top else '_no_top'}.h5", None)


MobileNetV2 = application(
    "MobileNetV2",
    None,
    _features,
    summary="MobileNetV2, Sandler et al. 2018 (arXiv:1801.04381), for pixels from -1 to 1.",
    outputs=1280,
    published_sizes=_SIZES,
    sized_by_tensor=True,
    top=_top,
    options={"alpha": 1.0},
    order=(
        "input_shape", "alpha", "include_top", "weights", "input_tensor", "pooling", "classes",
        "classifier_activation", "name",
    ),
    check=_check,
    naming=lambda given: f"mobilenetv2_{given.alpha:0.2f}_{given.size}",
    imagenet=_published,
)  # fmt: skip

preprocess_input = preprocessing("tf")
