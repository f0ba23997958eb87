"""ResNet V2: He et al. 2016, Identity mappings in deep residual networks (arXiv:1603.05027)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycnn import layers
from pycnn.applications.building import application
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.resnet import FILTERS, norm, published, stem
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]


def _block(x: KerasTensor, filters: int, stride: int, widened: bool, name: str) -> Any:
    y = norm(x, f"{name}_preact_bn", f"{name}_preact_relu")
    if widened:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(y)
    else:
        shortcut = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    y = layers.Conv2D(filters, 1, strides=1, use_bias=False, name=f"{name}_1_conv")(y)
    y = norm(y, f"{name}_1_bn", f"{name}_1_relu")
    y = layers.ZeroPadding2D(((1, 1), (1, 1)), name=f"{name}_2_pad")(y)
    y = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(y)
    y = norm(y, f"{name}_2_bn", f"{name}_2_relu")
    y = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(y)
    return layers.Add(name=f"{name}_out")([shortcut, y])


def _resnet_v2(depth: int, blocks: tuple[int, ...], digests: tuple[str, str]) -> Callable[..., Model]:
    def features(x: KerasTensor, given: Any) -> Any:
        x = stem(x, normalized=False)
        for stage, (filters, count) in enumerate(zip(FILTERS, blocks, strict=True), 2):
            for i in range(1, count + 1):
                stride = 2 if i == count and stage < 5 else 1
                x = _block(x, filters, stride, i == 1, f"conv{stage}_block{i}")
        return norm(x, "post_bn", "post_relu")

    return application(
        f"ResNet{depth}V2",
        f"resnet{depth}v2",
        features,
        summary=f"ResNet V2 with {depth} layers, He et al. 2016 (arXiv:1603.05027), for pixels from -1 to 1.",
        outputs=2048,
        named_pooling=True,
        imagenet=published(f"resnet{depth}v2", digests),
    )


ResNet50V2 = _resnet_v2(
    50, (3, 4, 6, 3), ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917")
)
ResNet101V2 = _resnet_v2(
    101, (3, 4, 23, 3), ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5")
)
ResNet152V2 = _resnet_v2(
    152, (3, 8, 36, 3), ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33")
)
preprocess_input = preprocessing("tf")
