"""Inception v3: Szegedy et al. 2016, Rethinking the Inception architecture (arXiv:1512.00567)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from pycnn import layers
from pycnn.applications.building import Counterpart, application
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.published import weights
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

# From torchvision's range of pixels, (x / 255 - mean) / deviation, to -1 ... 1: scales and offsets.
_RANGE = ([0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5], [(mean - 0.5) / 0.5 for mean in (0.485, 0.456, 0.406)])
_A = ("1x1", "5x5_1", "5x5_2", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3", "_pool")
_C = (
    "1x1", "7x7_1", "7x7_2", "7x7_3", "7x7dbl_1", "7x7dbl_2", "7x7dbl_3", "7x7dbl_4", "7x7dbl_5", "_pool",
)  # fmt: skip
_E = ("1x1", "3x3_1", "3x3_2a", "3x3_2b", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3a", "3x3dbl_3b", "_pool")
_BRANCHES = {  # of torchvision's modules Mixed_5b, ...: mixed0 to mixed10 here
    "5b": _A, "5c": _A, "5d": _A, "6a": ("3x3", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3"),
    "6b": _C, "6c": _C, "6d": _C, "6e": _C,
    "7a": ("3x3_1", "3x3_2", "7x7x3_1", "7x7x3_2", "7x7x3_3", "7x7x3_4"), "7b": _E, "7c": _E,
}  # fmt: skip


def _conv(
    x: KerasTensor,
    filters: int,
    rows: int,
    columns: int,
    stride: int = 1,
    padding: str = "same",
    *,
    torchvision: bool,
) -> Any:
    x = layers.Conv2D(filters, (rows, columns), strides=stride, padding=padding, use_bias=False)(x)
    return layers.Activation("relu")(layers.BatchNormalization(axis=3, scale=torchvision)(x))


def _chain(x: KerasTensor, *convolutions: tuple[Any, ...], torchvision: bool) -> Any:
    for convolution in convolutions:
        x = _conv(x, *convolution, torchvision=torchvision)
    return x


def _mixed(name: str | None, *branches: KerasTensor) -> Any:
    return layers.concatenate(list(branches), axis=3, name=name)


def _pooled(x: KerasTensor, filters: int, *, torchvision: bool) -> Any:
    """The mean of 3 x 3, and a convolution. At borders torchvision counts the zeros around the picture."""
    x = layers.ZeroPadding2D(1)(x) if torchvision else x
    x = layers.AveragePooling2D((3, 3), strides=(1, 1), padding="valid" if torchvision else "same")(x)
    return _conv(x, filters, 1, 1, torchvision=torchvision)


def _smaller(x: KerasTensor) -> Any:
    return layers.MaxPooling2D((3, 3), strides=(2, 2))(x)


def _features(x: KerasTensor, given: Any) -> Any:
    conv, chain, pooled = (partial(each, torchvision=given.torchvision) for each in (_conv, _chain, _pooled))
    if given.torchvision and given.transform_input:
        x = layers.Rescaling(*_RANGE, name="transform_input")(x)
    x = chain(x, (32, 3, 3, 2, "valid"), (32, 3, 3, 1, "valid"), (64, 3, 3))
    x = chain(_smaller(x), (80, 1, 1, 1, "valid"), (192, 3, 3, 1, "valid"))
    x = _smaller(x)
    for number, filters in enumerate((32, 64, 64)):  # 35 x 35
        x = _mixed(
            f"mixed{number}",
            conv(x, 64, 1, 1),
            chain(x, (48, 1, 1), (64, 5, 5)),
            chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
            pooled(x, filters),
        )
    x = _mixed(
        "mixed3",
        conv(x, 384, 3, 3, 2, "valid"),
        chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3, 2, "valid")),
        _smaller(x),
    )
    for number, c in enumerate((128, 160, 160, 192), 4):  # 17 x 17
        x = _mixed(
            f"mixed{number}",
            conv(x, 192, 1, 1),
            chain(x, (c, 1, 1), (c, 1, 7), (192, 7, 1)),
            chain(x, (c, 1, 1), (c, 7, 1), (c, 1, 7), (c, 7, 1), (192, 1, 7)),
            pooled(x, 192),
        )
    x = _mixed(
        "mixed8",
        chain(x, (192, 1, 1), (320, 3, 3, 2, "valid")),
        chain(x, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3, 2, "valid")),
        _smaller(x),
    )
    for number in range(2):  # 8 x 8
        single = conv(x, 320, 1, 1)
        y = conv(x, 384, 1, 1)
        double = _mixed(f"mixed9_{number}", conv(y, 384, 1, 3), conv(y, 384, 3, 1))
        y = chain(x, (448, 1, 1), (384, 3, 3))
        triple = _mixed(None, conv(y, 384, 1, 3), conv(y, 384, 3, 1))
        x = _mixed(f"mixed{9 + number}", single, double, triple, pooled(x, 192))
    return x


def _modules(model: Model) -> Iterator[tuple[str, str]]:
    """Layers of each kind are numbered as they are made, which is the order of torchvision's modules."""
    kinds = (("conv", layers.Conv2D), ("bn", layers.BatchNormalization))
    for part, kind in kinds:
        made = sorted((layer.name for layer in model.layers if isinstance(layer, kind)), key=_number)
        yield from zip(made, (f"{module}.{part}" for module in _convolutions()), strict=True)
    yield "predictions", "fc"


def _number(name: str) -> int:
    number = name.rpartition("_")[2]
    return int(number) if number.isdigit() else 0


def _convolutions() -> Iterator[str]:
    """The modules with a convolution and its normalization in torchvision."""
    yield from ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
    for mixed, branches in _BRANCHES.items():
        for branch in branches:
            yield f"Mixed_{mixed}.branch{branch}"


InceptionV3 = application(
    "InceptionV3",
    "inception_v3",
    _features,
    summary="Inception v3, Szegedy et al. 2016 (arXiv:1512.00567), for pixels from -1 to 1.",
    outputs=2048,
    size=299,
    smallest=75,
    imagenet=lambda given: weights(
        given,
        "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels",
        "9a0d58056eeedaa3f26cb7ebd46da564",
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
    torchvision=Counterpart(
        "inception_v3", _modules, left_out=("AuxLogits.",), options={"transform_input": True}
    ),
)

preprocess_input = preprocessing("tf")
