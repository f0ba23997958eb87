"""DenseNet: Huang et al. 2017, Densely connected convolutional networks (arXiv:1608.06993)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycnn import layers
from pycnn.applications.building import application
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.published import weights
from pycnn.applications.resnet import norm
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

_GROWTH = 32


def _layer(x: KerasTensor, name: str) -> Any:
    y = norm(x, f"{name}_0_bn", f"{name}_0_relu")
    y = layers.Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(y)
    y = norm(y, f"{name}_1_bn", f"{name}_1_relu")
    y = layers.Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return layers.Concatenate(axis=3, name=f"{name}_concat")([x, y])


def _transition(x: KerasTensor, name: str) -> Any:
    x = norm(x, f"{name}_bn", f"{name}_relu")
    x = layers.Conv2D(x.sample_shape[-1] // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _densenet(
    depth: int, blocks: tuple[int, ...], outputs: int, digests: tuple[str, str]
) -> Callable[..., Model]:
    def features(x: KerasTensor, given: Any) -> Any:
        x = layers.ZeroPadding2D(((3, 3), (3, 3)))(x)
        x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
        x = norm(x, "conv1_bn", "conv1_relu")
        x = layers.ZeroPadding2D(((1, 1), (1, 1)))(x)
        x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
        for stage, count in enumerate(blocks, 2):
            for i in range(1, count + 1):
                x = _layer(x, f"conv{stage}_block{i}")
            x = _transition(x, f"pool{stage}") if stage < 5 else x
        return norm(x, "bn", "relu")

    path = f"densenet/densenet{depth}_weights_tf_dim_ordering_tf_kernels"
    return application(
        f"DenseNet{depth}",
        f"densenet{depth}",
        features,
        summary=f"DenseNet with {depth} layers, Huang et al. 2017 (arXiv:1608.06993).",
        outputs=outputs,
        named_pooling=True,
        imagenet=lambda given: weights(given, path, *digests),
    )


DenseNet121 = _densenet(
    121, (6, 12, 24, 16), 1024, ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738")
)
DenseNet169 = _densenet(
    169, (6, 12, 32, 32), 1664, ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b")
)
DenseNet201 = _densenet(
    201, (6, 12, 48, 32), 1920, ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1")
)
preprocess_input = preprocessing("torch")
