"""DenseNet: Huang et al. 2017, Densely connected convolutional networks (arXiv:1608.06993)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pycnn import layers
from pycnn.applications.building import Counterpart, application
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.published import weights
from pycnn.applications.resnet import norm
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

_GROWTH = 32


def _layer(x: KerasTensor, name: str, torchvision: bool) -> Any:
    y = norm(x, f"{name}_0_bn", f"{name}_0_relu", torchvision)
    y = layers.Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(y)
    y = norm(y, f"{name}_1_bn", f"{name}_1_relu", torchvision)
    y = layers.Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return layers.Concatenate(axis=3, name=f"{name}_concat")([x, y])


def _transition(x: KerasTensor, name: str, torchvision: bool) -> Any:
    x = norm(x, f"{name}_bn", f"{name}_relu", torchvision)
    x = layers.Conv2D(x.sample_shape[-1] // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _densenet(
    depth: int, blocks: tuple[int, ...], outputs: int, digests: tuple[str, str]
) -> Callable[..., Model]:
    def features(x: KerasTensor, given: Any) -> Any:
        x = layers.ZeroPadding2D(((3, 3), (3, 3)))(x)
        x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
        x = norm(x, "conv1_bn", "conv1_relu", given.torchvision)
        x = layers.ZeroPadding2D(((1, 1), (1, 1)))(x)
        x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
        for stage, count in enumerate(blocks, 2):
            for i in range(1, count + 1):
                x = _layer(x, f"conv{stage}_block{i}", given.torchvision)
            x = _transition(x, f"pool{stage}", given.torchvision) if stage < 5 else x
        return norm(x, "bn", "relu", given.torchvision)

    path = f"densenet/densenet{depth}_weights_tf_dim_ordering_tf_kernels"
    return application(
        f"DenseNet{depth}",
        f"densenet{depth}",
        features,
        summary=f"DenseNet with {depth} layers, Huang et al. 2017 (arXiv:1608.06993).",
        outputs=outputs,
        named_pooling=True,
        imagenet=lambda given: weights(given, path, *digests),
        torchvision=Counterpart(f"densenet{depth}", lambda model: _modules(blocks), renamed=_renamed),
    )


def _modules(blocks: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    yield from (("conv1_conv", "features.conv0"), ("conv1_bn", "features.norm0"))
    for stage, count in enumerate(blocks, 1):
        for i in range(1, count + 1):
            ours, theirs = f"conv{stage + 1}_block{i}", f"features.denseblock{stage}.denselayer{i}"
            for n in (1, 2):
                yield from (
                    (f"{ours}_{n - 1}_bn", f"{theirs}.norm{n}"),
                    (f"{ours}_{n}_conv", f"{theirs}.conv{n}"),
                )
        for part, module in (("bn", "norm"), ("conv", "conv")) if stage < len(blocks) else ():
            yield f"pool{stage + 1}_{part}", f"features.transition{stage}.{module}"
    yield from (("bn", "features.norm5"), ("predictions", "classifier"))


def _renamed(name: str) -> str:
    """Files before torchvision 0.3 say norm.1 and conv.2 in place of norm1 and conv2."""
    return re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2", name)


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
