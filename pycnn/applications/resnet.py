"""ResNet: He et al. 2016, Deep residual learning (arXiv:1512.03385), stride in the first 1 x 1 of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pycnn import layers
from pycnn.applications.building import Counterpart, application
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.published import weights
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

FILTERS = (64, 128, 256, 512)


def norm(x: KerasTensor, name: str, relu: str | None = None, torchvision: bool = False) -> Any:
    """Batch normalization, and ReLU where that has a name."""
    x = layers.BatchNormalization(axis=3, epsilon=1e-5 if torchvision else 1.001e-5, name=name)(x)
    return x if relu is None else layers.Activation("relu", name=relu)(x)


def stem(x: KerasTensor, normalized: bool, torchvision: bool = False) -> Any:
    """The first convolution and pooling."""
    x = layers.ZeroPadding2D(((3, 3), (3, 3)), name="conv1_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, use_bias=not torchvision, name="conv1_conv")(x)
    x = norm(x, "conv1_bn", "conv1_relu", torchvision) if normalized else x
    x = layers.ZeroPadding2D(((1, 1), (1, 1)), name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def _block(
    x: KerasTensor, filters: int, stride: int, widened: bool, name: str, torchvision: bool = False
) -> Any:
    """A residual block; torchvision has its stride in the 3 x 3, and no biases before normalizations."""
    conv = partial(layers.Conv2D, use_bias=not torchvision)
    first, second = (1, stride) if torchvision else (stride, 1)
    shortcut = x
    if widened:
        shortcut = conv(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = norm(shortcut, f"{name}_0_bn", None, torchvision)
    x = conv(filters, 1, strides=first, name=f"{name}_1_conv")(x)
    x = norm(x, f"{name}_1_bn", f"{name}_1_relu", torchvision)
    if second > 1:
        x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = conv(filters, 3, strides=second, padding="same" if second == 1 else "valid", name=f"{name}_2_conv")(x)
    x = norm(x, f"{name}_2_bn", f"{name}_2_relu", torchvision)
    x = norm(conv(4 * filters, 1, name=f"{name}_3_conv")(x), f"{name}_3_bn", None, torchvision)
    return layers.Activation("relu", name=f"{name}_out")(layers.Add(name=f"{name}_add")([shortcut, x]))


def _resnet(depth: int, blocks: tuple[int, ...], digests: tuple[str, str]) -> Callable[..., Model]:
    def features(x: KerasTensor, given: Any) -> Any:
        x = stem(x, True, given.torchvision)
        for stage, (filters, count) in enumerate(zip(FILTERS, blocks, strict=True), 2):
            for i in range(1, count + 1):
                stride = 2 if i == 1 and stage > 2 else 1
                x = _block(x, filters, stride, i == 1, f"conv{stage}_block{i}", given.torchvision)
        return x

    return application(
        f"ResNet{depth}",
        f"resnet{depth}",
        features,
        summary=f"ResNet with {depth} layers, He et al. 2016 (arXiv:1512.03385).",
        outputs=2048,
        named_pooling=True,
        imagenet=published(f"resnet{depth}", digests),
        torchvision=Counterpart(f"resnet{depth}", lambda model: _modules(blocks)),
    )


def _modules(blocks: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    yield from (("conv1_conv", "conv1"), ("conv1_bn", "bn1"))
    for stage, count in enumerate(blocks, 1):
        for i in range(count):
            ours, theirs = f"conv{stage + 1}_block{i + 1}", f"layer{stage}.{i}"
            if i == 0:
                yield from (
                    (f"{ours}_0_conv", f"{theirs}.downsample.0"),
                    (f"{ours}_0_bn", f"{theirs}.downsample.1"),
                )
            for n in (1, 2, 3):
                yield from ((f"{ours}_{n}_conv", f"{theirs}.conv{n}"), (f"{ours}_{n}_bn", f"{theirs}.bn{n}"))
    yield "predictions", "fc"


def published(name: str, digests: tuple[str, str]) -> Callable[[Any], Any]:
    """The files of one network's weights."""
    path = f"resnet/{name}_weights_tf_dim_ordering_tf_kernels"
    return lambda given: weights(given, path, *digests)


ResNet50 = _resnet(50, (3, 4, 6, 3), ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"))
ResNet101 = _resnet(
    101, (3, 4, 23, 3), ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21")
)
ResNet152 = _resnet(
    152, (3, 8, 36, 3), ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c")
)
preprocess_input = preprocessing("caffe")
