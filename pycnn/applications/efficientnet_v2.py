"""EfficientNetV2: Tan & Le 2021, Smaller models and faster training (arXiv:2104.00298)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from pycnn import layers
from pycnn.applications.building import Counterpart, application
from pycnn.applications.efficientnet import (
    CONV_INITIALIZER,
    EXPAND,
    PROJECT,
    SQUEEZE,
    block_modules,
    conv,
    norm,
    residual,
    squeezed,
    top,
    top_modules,
)
from pycnn.applications.imagenet_utils import decode_predictions
from pycnn.applications.imagenet_utils import unchanged_input as preprocess_input
from pycnn.applications.published import KERAS, File
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

__all__ = [
    "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L",
    "EfficientNetV2M", "EfficientNetV2S", "decode_predictions", "preprocess_input",
]  # fmt: skip

# Blocks, filters before and after, factor of the channels inside, stride of the first block, fused.
_B = (
    (1, 32, 16, 1, 1, True), (2, 16, 32, 4, 2, True), (2, 32, 48, 4, 2, True), (3, 48, 96, 4, 2, False),
    (5, 96, 112, 6, 1, False), (8, 112, 192, 6, 2, False),
)  # fmt: skip
_S = (
    (2, 24, 24, 1, 1, True), (4, 24, 48, 4, 2, True), (4, 48, 64, 4, 2, True), (6, 64, 128, 4, 2, False),
    (9, 128, 160, 6, 1, False), (15, 160, 256, 6, 2, False),
)  # fmt: skip
_M = (
    (3, 24, 24, 1, 1, True), (5, 24, 48, 4, 2, True), (5, 48, 80, 4, 2, True), (7, 80, 160, 4, 2, False),
    (14, 160, 176, 6, 1, False), (18, 176, 304, 6, 2, False), (5, 304, 512, 6, 1, False),
)  # fmt: skip
_L = (
    (4, 32, 32, 1, 1, True), (7, 32, 64, 4, 2, True), (7, 64, 96, 4, 2, True), (10, 96, 192, 4, 2, False),
    (19, 192, 224, 6, 1, False), (25, 224, 384, 6, 2, False), (7, 384, 640, 6, 1, False),
)  # fmt: skip
_DEPTHWISE = (("dwconv2", "0"), ("bn", "1"))  # layers, each with its module in torchvision
_DROPPED = 0.2  # of the blocks, in training, at the end of the network


def _divisible(filters: float) -> int:
    return max(8, int(filters + 4) // 8 * 8)


def _norm(x: KerasTensor, name: str, active: str | None = None) -> Any:
    return norm(x, name, active, momentum=0.9)


def _padding(x: KerasTensor, stride: int, name: str, torchvision: bool) -> tuple[Any, str]:
    """What is before a 3 x 3 convolution of that stride, and its padding; torchvision's is symmetric."""
    if not torchvision or stride == 1:
        return x, "same"
    return layers.ZeroPadding2D(1, name=f"{name}_pad")(x), "valid"


def _conv(x: KerasTensor, filters: int, stride: int, name: str, torchvision: bool) -> Any:
    x, padding = _padding(x, stride, name, torchvision)
    return conv(x, filters, 3, name, strides=stride, padding=padding)


def _inside(
    x: KerasTensor, before: int, factor: int, stride: int, fused: bool, name: str, torchvision: bool
) -> Any:
    """A block up to its last convolution."""
    if factor > 1:
        wide = before * factor
        expanded = f"{name}expand_conv"
        x = _conv(x, wide, stride, expanded, torchvision) if fused else conv(x, wide, 1, expanded)
        x = _norm(x, f"{name}expand_bn", f"{name}expand_activation")
    if fused:
        return x
    x, padding = _padding(x, stride, f"{name}dwconv2", torchvision)
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding=padding,
        use_bias=False,
        depthwise_initializer=CONV_INITIALIZER,
        name=f"{name}dwconv2",
    )(x)
    return squeezed(_norm(x, f"{name}bn", f"{name}activation"), max(1, before // 4), name)


def _block(
    x: KerasTensor,
    before: int,
    after: int,
    factor: int,
    stride: int,
    fused: bool,
    dropped: float,
    name: str,
    torchvision: bool,
) -> Any:
    y = _inside(x, before, factor, stride, fused, name, torchvision)
    only = fused and factor == 1  # the one convolution
    last = f"{name}project_conv"
    y = _conv(y, after, stride, last, torchvision) if only else conv(y, after, 1, last)
    y = _norm(y, f"{name}project_bn", f"{name}project_activation" if only else None)
    return residual(y, x, dropped, name) if stride == 1 and before == after else y


def _scaled_pixels(x: KerasTensor, kind: str) -> Any:
    if not kind.startswith("B") or x.sample_shape[-1] != 3:
        return layers.Rescaling(scale=1.0 / 128.0, offset=-1)(x)
    x = layers.Rescaling(scale=1.0 / 255)(x)
    variance = [0.229**2, 0.224**2, 0.225**2]
    return layers.Normalization(mean=[0.485, 0.456, 0.406], variance=variance, axis=3)(x)


def _efficientnet_v2(
    kind: str,
    stages: tuple[tuple[int, int, int, int, int, bool], ...],
    size: int,
    digests: tuple[str, str],
    width: float = 1.0,
    depth: float = 1.0,
) -> Callable[..., Model]:
    def features(x: KerasTensor, given: Any) -> Any:
        given.dropped_features = 0.2
        if given.include_preprocessing:
            x = _scaled_pixels(x, kind)
        x = _conv(x, _divisible(stages[0][1] * width), 2, "stem_conv", given.torchvision)
        x = _norm(x, "stem_bn", "stem_activation")
        number, blocks = 0, sum(count for count, *_ in stages)
        for stage, (count, before, after, factor, stride, fused) in enumerate(stages, 1):
            before, after = _divisible(before * width), _divisible(after * width)
            for i in range(math.ceil(depth * count)):
                here, step = (before, stride) if i == 0 else (after, 1)
                dropped = _DROPPED * number / blocks  # beyond 0.2 in deepened networks, as published
                block = f"block{stage}{chr(97 + i)}_"
                x = _block(x, here, after, factor, step, fused, dropped, block, given.torchvision)
                number += 1
        return _norm(conv(x, _divisible(1280 * width), 1, "top_conv"), "top_bn", "top_activation")

    name = f"efficientnetv2-{kind.lower()}"

    def published(given: Any) -> File:
        end, digest = ("", digests[0]) if given.include_top else ("_notop", digests[1])
        return File(f"{KERAS}efficientnet_v2/{name}{end}.h5", digest)

    return application(
        f"EfficientNetV2{kind}",
        name,
        features,
        summary=f"EfficientNetV2 {kind}, Tan & Le 2021 (arXiv:2104.00298), for pixels from 0 to 255.",
        outputs=_divisible(1280 * width),
        size=size,
        top=top,
        named_pooling=True,
        options={"include_preprocessing": True},
        order=(
            "include_top", "weights", "input_tensor", "input_shape", "pooling", "classes",
            "classifier_activation", "include_preprocessing", "name",
        ),
        imagenet=published,
        torchvision=None if kind.startswith("B") else Counterpart(
            f"efficientnet_v2_{kind.lower()}", lambda model: _modules(stages)
        ),
    )  # fmt: skip


def _modules(stages: tuple[tuple[int, int, int, int, int, bool], ...]) -> Iterator[tuple[str, str]]:
    yield from (("stem_conv", "features.0.0"), ("stem_bn", "features.0.1"))
    for stage, (count, _, _, factor, _, fused) in enumerate(stages, 1):
        parts = [EXPAND] * (factor > 1) + [_DEPTHWISE, SQUEEZE] * (not fused) + [PROJECT]
        for i in range(count):
            yield from block_modules(f"block{stage}{chr(97 + i)}_", f"features.{stage}.{i}.block", parts)
    yield from top_modules(len(stages) + 1)


EfficientNetV2B0 = _efficientnet_v2(
    "B0", _B, 224, ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff")
)
EfficientNetV2B1 = _efficientnet_v2(
    "B1", _B, 240, ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"), 1.0, 1.1
)
EfficientNetV2B2 = _efficientnet_v2(
    "B2", _B, 260, ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"), 1.1, 1.2
)
EfficientNetV2B3 = _efficientnet_v2(
    "B3", _B, 300, ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"), 1.2, 1.4
)
EfficientNetV2S = _efficientnet_v2(
    "S", _S, 384, ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070")
)
EfficientNetV2M = _efficientnet_v2(
    "M", _M, 480, ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342")
)
EfficientNetV2L = _efficientnet_v2(
    "L", _L, 480, ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615")
)
