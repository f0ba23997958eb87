"""EfficientNet: Tan & Le 2019, Rethinking model scaling (arXiv:1905.11946)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from pycnn import layers
from pycnn.applications.building import Counterpart, application, divisible, downsampling_padding
from pycnn.applications.imagenet_utils import decode_predictions
from pycnn.applications.imagenet_utils import unchanged_input as preprocess_input
from pycnn.applications.published import File
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

__all__ = [
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4",
    "EfficientNetB5", "EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input",
]  # fmt: skip

# Window, blocks, filters before and after, factor of the channels inside, stride of the first block.
_STAGES = (
    (3, 1, 32, 16, 1, 1), (3, 2, 16, 24, 6, 2), (5, 2, 24, 40, 6, 2), (3, 3, 40, 80, 6, 2),
    (5, 3, 80, 112, 6, 1), (5, 4, 112, 192, 6, 2), (3, 1, 192, 320, 6, 1),
)  # fmt: skip
_DEVIATION = (0.229, 0.224, 0.225)
_LARGE = ("B5", "B6", "B7")  # whose normalizations have Keras' epsilon in torchvision, too
_DROPPED = 0.2  # of the blocks, in training, at the end of the network


def _variance_scaling(scale: float, distribution: str) -> dict[str, Any]:
    config = {"scale": scale, "mode": "fan_out", "distribution": distribution}
    return {"class_name": "VarianceScaling", "config": config}


# Layers of a part of a block, each with its module in torchvision.
_Part: TypeAlias = tuple[tuple[str, str], tuple[str, str]]
EXPAND: _Part = (("expand_conv", "0"), ("expand_bn", "1"))
DEPTHWISE: _Part = (("dwconv", "0"), ("bn", "1"))
SQUEEZE: _Part = (("se_reduce", "fc1"), ("se_expand", "fc2"))
PROJECT: _Part = (("project_conv", "0"), ("project_bn", "1"))

CONV_INITIALIZER = _variance_scaling(2.0, "truncated_normal")
DENSE_INITIALIZER = _variance_scaling(1 / 3, "uniform")


def conv(x: KerasTensor, filters: int, kernel_size: int, name: str, **options: Any) -> Any:
    """A convolution without bias, padded to the same size where nothing else is said."""
    options = {"padding": "same", "use_bias": False, **options}
    return layers.Conv2D(filters, kernel_size, kernel_initializer=CONV_INITIALIZER, name=name, **options)(x)


def norm(x: KerasTensor, name: str, active: str | None = None, **options: Any) -> Any:
    """Batch normalization, and swish where that has a name."""
    x = layers.BatchNormalization(axis=3, name=name, **options)(x)
    return x if active is None else layers.Activation("swish", name=active)(x)


def squeezed(x: KerasTensor, filters: int, name: str) -> Any:
    """Squeeze-and-excitation: channels multiplied by factors from their means."""
    channels = x.sample_shape[-1]
    y = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    y = layers.Reshape((1, 1, channels), name=f"{name}se_reshape")(y)
    y = conv(y, filters, 1, f"{name}se_reduce", activation="swish", use_bias=True)
    y = conv(y, channels, 1, f"{name}se_expand", activation="sigmoid", use_bias=True)
    return layers.multiply([x, y], name=f"{name}se_excite")


def residual(x: KerasTensor, shortcut: KerasTensor, dropped: float, name: str) -> Any:
    """The sum with the shortcut; in training whole samples of x are left out (stochastic depth)."""
    if dropped > 0:
        x = layers.Dropout(dropped, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.add([x, shortcut], name=f"{name}add")


def top(x: KerasTensor, given: Any) -> Any:
    """The mean of each feature map, Dropout and a dense layer."""
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dropout(given.dropped_features, name="top_dropout")(x)
    return layers.Dense(
        given.classes,
        activation=given.classifier_activation,
        kernel_initializer=DENSE_INITIALIZER,
        name="predictions",
    )(x)


def _block(
    x: KerasTensor,
    window: int,
    filters: tuple[int, int],
    factor: int,
    stride: int,
    dropped: float,
    name: str,
    given: Any,
) -> Any:
    shortcut, (before, after) = x, filters
    if factor > 1:
        x = conv(x, before * factor, 1, f"{name}expand_conv")
        x = norm(x, f"{name}expand_bn", f"{name}expand_activation", epsilon=given.epsilon)
    if stride == 2:
        padding = downsampling_padding(x, window, given.torchvision)
        x = layers.ZeroPadding2D(padding, name=f"{name}dwconv_pad")(x)
    x = layers.DepthwiseConv2D(
        window,
        strides=stride,
        padding="valid" if stride == 2 else "same",
        use_bias=False,
        depthwise_initializer=CONV_INITIALIZER,
        name=f"{name}dwconv",
    )(x)
    x = norm(x, f"{name}bn", f"{name}activation", epsilon=given.epsilon)
    x = squeezed(x, max(1, before // 4), name)
    x = norm(conv(x, after, 1, f"{name}project_conv"), f"{name}project_bn", epsilon=given.epsilon)
    return residual(x, shortcut, dropped, name) if stride == 1 and before == after else x


def _efficientnet(
    kind: str, width: float, depth: float, size: int, dropout: float, digests: tuple[str, str]
) -> Callable[..., Model]:
    repeats = [math.ceil(depth * count) for _, count, *_ in _STAGES]

    def features(x: KerasTensor, given: Any) -> Any:
        given.dropped_features = dropout
        given.epsilon = 1e-5 if given.torchvision and kind not in _LARGE else 1e-3
        if not given.torchvision:
            x = layers.Normalization(axis=3)(layers.Rescaling(1.0 / 255.0)(x))
        if given.weights == "imagenet":
            x = layers.Rescaling([1.0 / math.sqrt(deviation) for deviation in _DEVIATION])(x)
        x = layers.ZeroPadding2D(downsampling_padding(x, 3, given.torchvision), name="stem_conv_pad")(x)
        x = conv(x, divisible(32 * width), 3, "stem_conv", strides=2, padding="valid")
        x = norm(x, "stem_bn", "stem_activation", epsilon=given.epsilon)
        number = 0
        for stage, (window, _, before, after, factor, stride) in enumerate(_STAGES):
            before, after = divisible(before * width), divisible(after * width)
            for i in range(repeats[stage]):
                first, dropped = i == 0, _DROPPED * number / sum(repeats)
                x = _block(
                    x,
                    window,
                    (before if first else after, after),
                    factor,
                    stride if first else 1,
                    dropped,
                    f"block{stage + 1}{chr(97 + i)}_",
                    given,
                )
                number += 1
        x = conv(x, divisible(1280 * width), 1, "top_conv")
        return norm(x, "top_bn", "top_activation", epsilon=given.epsilon)

    def published(given: Any) -> File:
        end, digest = ("", digests[0]) if given.include_top else ("_notop", digests[1])
        name = f"efficientnet{kind.lower()}{end}.h5"
        return File(f"https://storage.googleapis.com/keras-applications/{name}", digest)

    return application(
        f"EfficientNet{kind}",
        f"efficientnet{kind.lower()}",
        features,
        summary=f"EfficientNet {kind}, Tan & Le 2019 (arXiv:1905.11946), for pixels from 0 to 255.",
        outputs=divisible(1280 * width),
        size=size,
        top=top,
        named_pooling=True,
        imagenet=published,
        torchvision=Counterpart(f"efficientnet_{kind.lower()}", lambda model: _modules(repeats)),
    )


def _modules(repeats: list[int]) -> Iterator[tuple[str, str]]:
    yield from (("stem_conv", "features.0.0"), ("stem_bn", "features.0.1"))
    for stage, (count, (_, _, _, _, factor, _)) in enumerate(zip(repeats, _STAGES, strict=True), 1):
        for i in range(count):
            parts = [EXPAND] * (factor > 1) + [DEPTHWISE, SQUEEZE, PROJECT]
            yield from block_modules(f"block{stage}{chr(97 + i)}_", f"features.{stage}.{i}.block", parts)
    yield from top_modules(len(repeats) + 1)


def block_modules(ours: str, theirs: str, parts: list[_Part]) -> Iterator[tuple[str, str]]:
    """The layers of a block, whose parts torchvision numbers."""
    for i, part in enumerate(parts):
        for layer, module in part:
            yield f"{ours}{layer}", f"{theirs}.{i}.{module}"


def top_modules(stage: int) -> Iterator[tuple[str, str]]:
    """The layers after the blocks."""
    yield from (("top_conv", f"features.{stage}.0"), ("top_bn", f"features.{stage}.1"))
    yield "predictions", "classifier.1"


EfficientNetB0 = _efficientnet(
    "B0", 1.0, 1.0, 224, 0.2, ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d")
)
EfficientNetB1 = _efficientnet(
    "B1", 1.0, 1.1, 240, 0.2, ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432")
)
EfficientNetB2 = _efficientnet(
    "B2", 1.1, 1.2, 260, 0.3, ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39")
)
EfficientNetB3 = _efficientnet(
    "B3", 1.2, 1.4, 300, 0.3, ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226")
)
EfficientNetB4 = _efficientnet(
    "B4", 1.4, 1.8, 380, 0.4, ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba")
)
EfficientNetB5 = _efficientnet(
    "B5", 1.6, 2.2, 456, 0.4, ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f")
)
EfficientNetB6 = _efficientnet(
    "B6", 1.8, 2.6, 528, 0.5, ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743")
)
EfficientNetB7 = _efficientnet(
    "B7", 2.0, 3.1, 600, 0.5, ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a")
)
