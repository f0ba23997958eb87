"""MobileNet: Howard et al. 2017, Efficient convolutional networks for mobile vision (arXiv:1704.04861)."""

from __future__ import annotations

import warnings
from typing import Any

from pycnn import layers
from pycnn.applications.building import application
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.published import KERAS, File
from pycnn.core.symbolic import KerasTensor

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

_SIZES = (128, 160, 192, 224)
_ALPHAS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}
_BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1),
    (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip


def _norm_relu(x: KerasTensor, name: str) -> Any:
    return layers.ReLU(6.0, name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_bn")(x))


def _features(x: KerasTensor, given: Any) -> Any:
    filters = int(32 * given.alpha)
    x = layers.Conv2D(filters, (3, 3), padding="same", use_bias=False, strides=(2, 2), name="conv1")(x)
    x = _norm_relu(x, "conv1")
    for i, (filters, stride) in enumerate(_BLOCKS, 1):
        if stride > 1:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{i}")(x)
        x = layers.DepthwiseConv2D(
            (3, 3),
            padding="same" if stride == 1 else "valid",
            depth_multiplier=given.depth_multiplier,
            strides=stride,
            use_bias=False,
            name=f"conv_dw_{i}",
        )(x)
        x = _norm_relu(x, f"conv_dw_{i}")
        x = layers.Conv2D(
            int(filters * given.alpha), (1, 1), padding="same", use_bias=False, name=f"conv_pw_{i}"
        )(x)
        x = _norm_relu(x, f"conv_pw_{i}")
    return x


def _top(x: KerasTensor, given: Any) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(given.dropout, name="dropout")(x)
    x = layers.Conv2D(given.classes, (1, 1), padding="same", name="conv_preds")(x)
    x = layers.Reshape((given.classes,), name="reshape_2")(x)
    return layers.Activation(given.classifier_activation, name="predictions")(x)


def _check(given: Any) -> None:
    if given.weights != "imagenet":
        return
    if given.depth_multiplier != 1:
        raise ValueError(
            f"If imagenet weights are being loaded, depth multiplier must be 1. Received "
            f"depth_multiplier={given.depth_multiplier}"
        )
    if given.alpha not in _ALPHAS:
        raise ValueError(
            f"If imagenet weights are being loaded, alpha can be one of {', '.join(map(str, _ALPHAS))} only. "
            f"Received alpha={given.alpha}"
        )
    use_published_size(given, _SIZES)


def use_published_size(given: Any, sizes: tuple[int, ...]) -> None:
    """Takes the weights for 224 x 224 pixels where there are none for the pictures' size, with a warning."""
    if given.shape[0] != given.shape[1] or given.size not in sizes:
        given.size = 224
        warnings.warn(
            f"`input_shape` is undefined or non-square, or `rows` is not in {list(sizes)}. "
            "Weights for input shape (224, 224) will be loaded as the default.",
            stacklevel=4,
        )


def _published(given: Any) -> File:
    end = "" if given.include_top else "_no_top"
    return File(f"{KERAS}mobilenet/mobilenet_{_ALPHAS[given.alpha]}_{given.size}_tf{end}.h5", None)


MobileNet = application(
    "MobileNet",
    None,
    _features,
    summary="MobileNet, Howard et al. 2017 (arXiv:1704.04861), for pixels from -1 to 1.",
    outputs=1024,
    published_sizes=_SIZES,
    top=_top,
    options={"alpha": 1.0, "depth_multiplier": 1, "dropout": 1e-3},
    order=(
        "input_shape", "alpha", "depth_multiplier", "dropout", "include_top", "weights", "input_tensor",
        "pooling", "classes", "classifier_activation", "name",
    ),
    check=_check,
    naming=lambda given: f"mobilenet_{given.alpha:0.2f}_{given.size}",
    imagenet=_published,
)  # fmt: skip

preprocess_input = preprocessing("tf")
