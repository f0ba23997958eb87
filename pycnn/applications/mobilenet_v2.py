"""MobileNetV2: Sandler et al. 2018, Inverted residuals and linear bottlenecks (arXiv:1801.04381)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pycnn import layers
from pycnn.applications.building import (
    Counterpart,
    application,
    check_tensor_size,
    divisible,
    downsampling_padding,
)
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


def _norm(x: KerasTensor, name: str, relu: str | None, torchvision: bool) -> Any:
    x = layers.BatchNormalization(epsilon=1e-5 if torchvision else 1e-3, momentum=0.999, name=name)(x)
    return x if relu is None else layers.ReLU(6.0, name=relu)(x)


def _block(x: KerasTensor, filters: int, stride: int, number: int, torchvision: bool) -> Any:
    """A wide depthwise convolution between two narrow ends."""
    shortcut, channels = x, x.sample_shape[-1]
    name = f"block_{number}_" if number else "expanded_conv_"
    if number:
        x = layers.Conv2D(_EXPANSION * channels, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = _norm(x, f"{name}expand_BN", f"{name}expand_relu", torchvision)
    if stride == 2:
        x = layers.ZeroPadding2D(downsampling_padding(x, 3, torchvision), name=f"{name}pad")(x)
    x = layers.DepthwiseConv2D(
        3, strides=stride, use_bias=False, padding="same" if stride == 1 else "valid", name=f"{name}depthwise"
    )(x)
    x = _norm(x, f"{name}depthwise_BN", f"{name}depthwise_relu", torchvision)
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _norm(x, f"{name}project_BN", None, torchvision)
    return layers.Add(name=f"{name}add")([shortcut, x]) if channels == filters and stride == 1 else x


def _features(x: KerasTensor, given: Any) -> Any:
    filters = divisible(32 * given.alpha)
    if given.torchvision:
        x = layers.ZeroPadding2D(1, name="Conv1_pad")(x)
    padding = "valid" if given.torchvision else "same"
    x = layers.Conv2D(filters, 3, strides=(2, 2), padding=padding, use_bias=False, name="Conv1")(x)
    x = _norm(x, "bn_Conv1", "Conv1_relu", given.torchvision)
    number = 0
    for filters, count, stride in _STAGES:
        for i in range(count):
            step = stride if i == 0 else 1
            x = _block(x, divisible(int(filters * given.alpha)), step, number, given.torchvision)
            number += 1
    last = divisible(1280 * given.alpha) if given.alpha > 1 else 1280
    x = layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
    return _norm(x, "Conv_1_bn", "out_relu", given.torchvision)


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


def _modules(model: Any) -> Iterator[tuple[str, str]]:
    yield from (("Conv1", "features.0.0"), ("bn_Conv1", "features.0.1"))
    blocks = sum(count for _, count, _ in _STAGES)
    for number in range(blocks):
        ours, theirs = f"block_{number}_" if number else "expanded_conv_", f"features.{number + 1}.conv"
        if number:
            yield from ((f"{ours}expand", f"{theirs}.0.0"), (f"{ours}expand_BN", f"{theirs}.0.1"))
        place = 1 if number else 0
        yield f"{ours}depthwise", f"{theirs}.{place}.0"
        yield f"{ours}depthwise_BN", f"{theirs}.{place}.1"
        yield f"{ours}project", f"{theirs}.{place + 1}"
        yield f"{ours}project_BN", f"{theirs}.{place + 2}"
    yield from (("Conv_1", f"features.{blocks + 1}.0"), ("Conv_1_bn", f"features.{blocks + 1}.1"))
    yield "predictions", "classifier.1"


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
    torchvision=Counterpart("mobilenet_v2", _modules),
)  # fmt: skip

preprocess_input = preprocessing("tf")
