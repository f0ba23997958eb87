"""ConvNeXt: Liu et al. 2022, A ConvNet for the 2020s (arXiv:2201.03545)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pycnn import layers
from pycnn.applications.building import Counterpart, application
from pycnn.applications.imagenet_utils import decode_predictions
from pycnn.applications.imagenet_utils import unchanged_input as preprocess_input
from pycnn.applications.published import KERAS, File
from pycnn.core.symbolic import KerasTensor
from pycnn.layers.residual import LayerScale
from pycnn.models import Model, Sequential

__all__ = [
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge",
    "decode_predictions", "preprocess_input",
]  # fmt: skip

# Of a block, with their numbers in torchvision.
_PARTS = {"depthwise_conv": 0, "layernorm": 2, "pointwise_conv_1": 3, "pointwise_conv_2": 5}
_MEAN = [0.485 * 255, 0.456 * 255, 0.406 * 255]
_VARIANCE = [(0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2]


def _norm(name: str | None = None) -> Any:
    return layers.LayerNormalization(epsilon=1e-6, name=name)


def _downsampling(stage: int, filters: int, name: str) -> Sequential:
    if stage == 0:
        stem = layers.Conv2D(filters, kernel_size=4, strides=4, name=f"{name}_stem_conv")
        return Sequential([stem, _norm(f"{name}_stem_layernorm")], name=f"{name}_stem")
    number = stage - 1
    conv = layers.Conv2D(filters, kernel_size=2, strides=2, name=f"{name}_downsampling_conv_{number}")
    normalized = _norm(f"{name}_downsampling_layernorm_{number}")
    return Sequential([normalized, conv], name=f"{name}_downsampling_block_{number}")


def _block(x: KerasTensor, filters: int, name: str) -> Any:
    y = layers.Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(x)
    y = _norm(f"{name}_layernorm")(y)
    y = layers.Dense(4 * filters, name=f"{name}_pointwise_conv_1")(y)
    y = layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = layers.Dense(filters, name=f"{name}_pointwise_conv_2")(y)
    y = LayerScale(1e-6, filters, name=f"{name}_layer_scale")(y)
    return x + layers.Activation("linear", name=f"{name}_identity")(y)


def _convnext(
    kind: str, depths: tuple[int, ...], filters: tuple[int, ...], digests: tuple[str, str]
) -> Callable[..., Model]:
    default_name = f"convnext_{kind.lower()}"

    def features(x: KerasTensor, given: Any) -> Any:
        name = given.name
        if given.include_preprocessing and x.sample_shape[-1] == 3:
            x = layers.Normalization(mean=_MEAN, variance=_VARIANCE, name=f"{name}_prestem_normalization")(x)
        for stage, (count, width) in enumerate(zip(depths, filters, strict=True)):
            x = _downsampling(stage, width, name)(x)
            for i in range(count):
                x = _block(x, width, f"{name}_stage_{stage}_block_{i}")
        return x

    def top(x: KerasTensor, given: Any) -> Any:
        x = layers.GlobalAveragePooling2D(name=f"{given.name}_head_gap")(x)
        x = _norm(f"{given.name}_head_layernorm")(x)
        name, activation = f"{given.name}_head_dense", given.classifier_activation
        return layers.Dense(given.classes, activation=activation, name=name)(x)

    def published(given: Any) -> File:
        end, digest = ("", digests[0]) if given.include_top else ("_notop", digests[1])
        return File(f"{KERAS}convnext/{default_name}{end}.h5", digest)

    return application(
        f"ConvNeXt{kind}",
        default_name,
        features,
        summary=f"ConvNeXt {kind}, Liu et al. 2022 (arXiv:2201.03545), for pixels from 0 to 255.",
        outputs=filters[-1],
        top=top,
        after_pooling=lambda x: _norm()(x),
        options={"include_preprocessing": True},
        order=(
            "include_top", "include_preprocessing", "weights", "input_tensor", "input_shape", "pooling",
            "classes", "classifier_activation", "name",
        ),
        imagenet=published,
        torchvision=None if kind == "XLarge" else Counterpart(
            f"convnext_{kind.lower()}", lambda model: _modules(model.name, depths)
        ),
    )  # fmt: skip


def _modules(name: str, depths: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    yield from ((f"{name}_stem_conv", "features.0.0"), (f"{name}_stem_layernorm", "features.0.1"))
    for stage, count in enumerate(depths):
        if stage > 0:
            yield f"{name}_downsampling_layernorm_{stage - 1}", f"features.{2 * stage}.0"
            yield f"{name}_downsampling_conv_{stage - 1}", f"features.{2 * stage}.1"
        for i in range(count):
            ours, theirs = f"{name}_stage_{stage}_block_{i}", f"features.{2 * stage + 1}.{i}"
            yield f"{ours}_layer_scale", f"{theirs}.layer_scale"
            for part, number in _PARTS.items():
                yield f"{ours}_{part}", f"{theirs}.block.{number}"
    yield from ((f"{name}_head_layernorm", "classifier.0"), (f"{name}_head_dense", "classifier.2"))


ConvNeXtTiny = _convnext(
    "Tiny", (3, 3, 9, 3), (96, 192, 384, 768),
    (
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
)  # fmt: skip
ConvNeXtSmall = _convnext(
    "Small", (3, 3, 27, 3), (96, 192, 384, 768),
    (
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
)  # fmt: skip
ConvNeXtBase = _convnext(
    "Base", (3, 3, 27, 3), (128, 256, 512, 1024),
    (
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
)  # fmt: skip
ConvNeXtLarge = _convnext(
    "Large", (3, 3, 27, 3), (192, 384, 768, 1536),
    (
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
)  # fmt: skip
ConvNeXtXLarge = _convnext(
    "XLarge", (3, 3, 27, 3), (256, 512, 1024, 2048),
    (
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
)  # fmt: skip
