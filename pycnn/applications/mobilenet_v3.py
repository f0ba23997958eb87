"""MobileNetV3: Howard et al. 2019, Searching for MobileNetV3 (arXiv:1905.02244)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from pycnn import layers
from pycnn.applications.building import (
    Counterpart,
    application,
    check_tensor_size,
    divisible,
    downsampling_padding,
)
from pycnn.applications.imagenet_utils import decode_predictions
from pycnn.applications.imagenet_utils import unchanged_input as preprocess_input
from pycnn.applications.published import KERAS, File
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

_Row: TypeAlias = tuple[float, int, int, int, bool, bool]
# Factor of the channels inside, filters, window, stride, squeeze-and-excitation, hard-swish.
_SMALL = (
    (1, 16, 3, 2, True, False), (72 / 16, 24, 3, 2, False, False), (88 / 24, 24, 3, 1, False, False),
    (4, 40, 5, 2, True, True), (6, 40, 5, 1, True, True), (6, 40, 5, 1, True, True),
    (3, 48, 5, 1, True, True), (3, 48, 5, 1, True, True), (6, 96, 5, 2, True, True),
    (6, 96, 5, 1, True, True), (6, 96, 5, 1, True, True),
)  # fmt: skip
_LARGE = (
    (1, 16, 3, 1, False, False), (4, 24, 3, 2, False, False), (3, 24, 3, 1, False, False),
    (3, 40, 5, 2, True, False), (3, 40, 5, 1, True, False), (3, 40, 5, 1, True, False),
    (6, 80, 3, 2, False, True), (2.5, 80, 3, 1, False, True), (2.3, 80, 3, 1, False, True),
    (2.3, 80, 3, 1, False, True), (6, 112, 3, 1, True, True), (6, 112, 3, 1, True, True),
    (6, 160, 5, 2, True, True), (6, 160, 5, 1, True, True), (6, 160, 5, 1, True, True),
)  # fmt: skip
_DIGESTS = {
    "large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0_float": (
        "675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973",
    ),
    "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0_float": (
        "99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4",
    ),
}  # fmt: skip


def _active(x: KerasTensor, hard_swish: bool) -> Any:
    return (layers.Activation("hard_swish") if hard_swish else layers.ReLU())(x)


def _norm(x: KerasTensor, name: str) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=name)(x)


def _conv(x: KerasTensor, filters: int, name: str, **options: Any) -> Any:
    return layers.Conv2D(filters, 1, padding="same", name=name, **options)(x)


def _squeezed(x: KerasTensor, channels: int, name: str) -> Any:
    """Squeeze-and-excitation: channels multiplied by factors from their means."""
    name = f"{name}squeeze_excite_"
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}avg_pool")(x)
    y = layers.ReLU(name=f"{name}relu")(_conv(y, divisible(channels * 0.25), f"{name}conv"))
    y = layers.ReLU(6.0)(_conv(y, channels, f"{name}conv_1") + 3.0) * (1 / 6)
    return layers.Multiply(name=f"{name}mul")([x, y])


def _block(x: KerasTensor, number: int, given: Any, row: _Row) -> Any:
    factor, filters, window, stride, squeezed, swish = row
    if given.minimalistic:
        window, squeezed, swish = 3, False, False
    filters = divisible(filters * given.alpha)
    shortcut, channels = x, x.sample_shape[-1]
    inside = divisible(channels * factor)
    name = f"expanded_conv_{number}_" if number else "expanded_conv_"
    if number:
        x = _active(_norm(_conv(x, inside, f"{name}expand", use_bias=False), f"{name}expand_bn"), swish)
    if stride == 2:
        x = layers.ZeroPadding2D(
            downsampling_padding(x, window, given.torchvision), name=f"{name}depthwise_pad"
        )(x)
    x = layers.DepthwiseConv2D(
        window,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        name=f"{name}depthwise",
    )(x)
    x = _active(_norm(x, f"{name}depthwise_bn"), swish)
    if squeezed:
        x = _squeezed(x, inside, name)
    x = _norm(_conv(x, filters, f"{name}project", use_bias=False), f"{name}project_bn")
    return layers.Add(name=f"{name}add")([shortcut, x]) if stride == 1 and channels == filters else x


def _check(given: Any) -> None:
    check_tensor_size(given)
    if given.weights != "imagenet":
        return
    if given.alpha not in ((1.0,) if given.minimalistic else (0.75, 1.0)):
        raise ValueError(
            f"If imagenet weights are being loaded, alpha can be one of `0.75`, `1.0` for non minimalistic "
            f"or `1.0` for minimalistic only. Received alpha={given.alpha}, minimalistic={given.minimalistic}"
        )
    if given.shape[:2] != (224, 224):
        warnings.warn(
            "`input_shape` is undefined or non-square, or `rows` is not 224. Weights for input shape "
            "(224, 224) will be loaded as the default.",
            stacklevel=4,
        )


def _mobilenet_v3(kind: str, table: tuple[_Row, ...], points: int, outputs: int) -> Callable[..., Model]:
    def features(x: KerasTensor, given: Any) -> Any:
        swish = not given.minimalistic
        if given.include_preprocessing:
            x = layers.Rescaling(scale=1.0 / 127.5, offset=-1.0)(x)
        if given.torchvision:
            x = layers.ZeroPadding2D(1, name="conv_pad")(x)
        padding = "valid" if given.torchvision else "same"
        x = layers.Conv2D(16, 3, strides=(2, 2), padding=padding, use_bias=False, name="conv")(x)
        x = _active(_norm(x, "conv_bn"), swish)
        for number, row in enumerate(table):
            x = _block(x, number, given, row)
        x = _conv(x, divisible(x.sample_shape[-1] * 6), "conv_1", use_bias=False)
        return _active(_norm(x, "conv_1_bn"), swish)

    def top(x: KerasTensor, given: Any) -> Any:
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        filters = divisible(points * given.alpha) if given.alpha > 1 else points
        x = _active(_conv(x, filters, "conv_2"), not given.minimalistic)
        if given.dropout_rate > 0:
            x = layers.Dropout(given.dropout_rate)(x)
        x = layers.Flatten()(_conv(x, given.classes, "logits"))
        return layers.Activation(given.classifier_activation, name="predictions")(x)

    def published(given: Any) -> File:
        name = f"{kind}{'_minimalistic' if given.minimalistic else ''}_224_{float(given.alpha)}_float"
        end = "" if given.include_top else "_no_top_v2"
        address = f"{KERAS}mobilenet_v3/weights_mobilenet_v3_{name}{end}.h5"
        return File(address, _DIGESTS[name][0 if given.include_top else 1])

    return application(
        f"MobileNetV3{kind.title()}",
        f"MobileNetV3{kind.title()}",
        features,
        summary=f"MobileNetV3 {kind}, Howard et al. 2019 (arXiv:1905.02244), for pixels from 0 to 255.",
        outputs=outputs,
        named_pooling=True,
        any_size=True,
        top=top,
        options={
            "alpha": 1.0, "minimalistic": False, "dropout_rate": 0.2, "include_preprocessing": True,
        },
        order=(
            "input_shape", "alpha", "minimalistic", "include_top", "weights", "input_tensor", "classes",
            "pooling", "dropout_rate", "classifier_activation", "include_preprocessing", "name",
        ),
        check=_check,
        imagenet=published,
        torchvision=Counterpart(
            f"mobilenet_v3_{kind}", lambda model: _modules(table), linear=("conv_2", "logits")
        ),
    )  # fmt: skip


def _modules(table: tuple[_Row, ...]) -> Iterator[tuple[str, str]]:
    yield from (("conv", "features.0.0"), ("conv_bn", "features.0.1"))
    for number, (*_, squeezed, _) in enumerate(table):
        ours, theirs = (
            f"expanded_conv_{number}_" if number else "expanded_conv_",
            f"features.{number + 1}.block",
        )
        parts = ["expand"] * (number > 0) + ["depthwise"] + ["squeeze_excite"] * squeezed + ["project"]
        for i, part in enumerate(parts):
            ends = ("_conv", ".fc1"), ("_conv_1", ".fc2")
            for end, module in ends if part == "squeeze_excite" else (("", ".0"), ("_bn", ".1")):
                yield f"{ours}{part}{end}", f"{theirs}.{i}{module}"
    yield from (("conv_1", f"features.{len(table) + 1}.0"), ("conv_1_bn", f"features.{len(table) + 1}.1"))
    yield from (("conv_2", "classifier.0"), ("logits", "classifier.3"))


MobileNetV3Small = _mobilenet_v3("small", _SMALL, 1024, 576)
MobileNetV3Large = _mobilenet_v3("large", _LARGE, 1280, 960)
