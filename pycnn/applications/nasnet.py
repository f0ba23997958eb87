"""NASNet-A: Zoph et al. 2018, Learning transferable architectures (arXiv:1707.07012)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycnn import layers
from pycnn.applications.building import SHAPE_FIRST, application, downsampling_padding
from pycnn.applications.imagenet_utils import decode_predictions, preprocessing
from pycnn.applications.published import KERAS, File
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]


def _norm(x: KerasTensor, name: str) -> Any:
    return layers.BatchNormalization(momentum=0.9997, epsilon=1e-3, name=name)(x)


def _relu(x: KerasTensor, name: str | None = None) -> Any:
    return layers.Activation("relu", name=name)(x)


def _conv(x: KerasTensor, filters: int, name: str) -> Any:
    return layers.Conv2D(
        filters, (1, 1), padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def _separable(x: KerasTensor, filters: int, window: int, name: str, stride: int = 1) -> Any:
    """Two separable convolutions, the first with the stride."""
    x, padding = _relu(x), "same"
    if stride == 2:
        x = layers.ZeroPadding2D(downsampling_padding(x, window), name=f"separable_conv_1_pad_{name}")(x)
        padding = "valid"
    for i in (1, 2):
        x = layers.SeparableConv2D(
            filters,
            (window, window),
            strides=stride if i == 1 else 1,
            padding=padding if i == 1 else "same",
            use_bias=False,
            name=f"separable_conv_{i}_{name}",
        )(x)
        x = _norm(x, f"separable_conv_{i}_bn_{name}")
        x = _relu(x) if i == 1 else x
    return x


def _mean(x: KerasTensor, name: str) -> Any:
    return layers.AveragePooling2D((3, 3), strides=(1, 1), padding="same", name=name)(x)


def _every_second(x: KerasTensor, filters: int, path: int, name: str) -> Any:
    pool = layers.AveragePooling2D((1, 1), strides=(2, 2), name=f"adjust_avg_pool_{path}_{name}")
    return _conv(pool(x), filters, f"adjust_conv_{path}_{name}")


def _adjusted(p: KerasTensor | None, x: KerasTensor, filters: int, name: str) -> Any:
    """The output of the cell before last with the size of x, and the number of channels."""
    if p is None:
        return x
    if p.sample_shape[1] != x.sample_shape[1]:
        p = _relu(p, f"adjust_relu_1_{name}")
        left = _every_second(p, filters // 2, 1, name)
        shifted = layers.Cropping2D(((1, 0), (1, 0)))(layers.ZeroPadding2D(((0, 1), (0, 1)))(p))
        right = _every_second(shifted, filters // 2, 2, name)
        return _norm(layers.concatenate([left, right], axis=-1), f"adjust_bn_{name}")
    if p.sample_shape[-1] != filters:
        return _norm(_conv(_relu(p), filters, f"adjust_conv_projection_{name}"), f"adjust_bn_{name}")
    return p


def _normal(x: KerasTensor, p: KerasTensor, filters: int, name: str) -> Any:
    p = _adjusted(p, x, filters, name)
    h = _norm(_conv(_relu(x), filters, f"normal_conv_1_{name}"), f"normal_bn_1_{name}")
    left, right = (f"normal_{side}{{}}_{name}".format for side in ("left", "right"))
    pairs = (
        [_separable(h, filters, 5, left(1)), _separable(p, filters, 3, right(1))],
        [_separable(p, filters, 5, left(2)), _separable(p, filters, 3, right(2))],
        [_mean(h, left(3)), p],
        [_mean(p, left(4)), _mean(p, right(4))],
        [_separable(h, filters, 3, left(5)), h],
    )
    sums = [layers.add(pair, name=f"normal_add_{i}_{name}") for i, pair in enumerate(pairs, 1)]
    return layers.concatenate([p, *sums], axis=-1, name=f"normal_concat_{name}")


def _reduction(x: KerasTensor, p: KerasTensor | None, filters: int, name: str) -> Any:
    p = _adjusted(p, x, filters, name)
    h = _norm(_conv(_relu(x), filters, f"reduction_conv_1_{name}"), f"reduction_bn_1_{name}")
    padded = layers.ZeroPadding2D(downsampling_padding(h, 3), name=f"reduction_pad_1_{name}")(h)
    left, right = (f"reduction_{side}{{}}_{name}".format for side in ("left", "right"))

    def pooled(kind: Any, name: str) -> Any:
        return kind((3, 3), strides=(2, 2), name=name)(padded)

    first = layers.add(
        [_separable(h, filters, 5, left(1), 2), _separable(p, filters, 7, right(1), 2)],
        name=f"reduction_add_1_{name}",
    )
    second = layers.add(
        [pooled(layers.MaxPooling2D, left(2)), _separable(p, filters, 7, right(2), 2)],
        name=f"reduction_add_2_{name}",
    )
    third = layers.add(
        [pooled(layers.AveragePooling2D, left(3)), _separable(p, filters, 5, right(3), 2)],
        name=f"reduction_add3_{name}",
    )
    fourth = layers.add([second, _mean(first, left(4))])
    fifth = layers.add(
        [_separable(first, filters, 3, left(4)), pooled(layers.MaxPooling2D, right(5))],
        name=f"reduction_add4_{name}",
    )
    return layers.concatenate([second, third, fourth, fifth], axis=-1, name=f"reduction_concat_{name}")


def _nasnet(
    kind: str,
    size: int,
    outputs: int,
    blocks: int,
    stem: int,
    skip_reduction: bool,
    digests: tuple[str, str],
) -> Callable[..., Model]:
    filters = outputs // 24

    def features(x: KerasTensor, given: Any) -> Any:
        x = layers.Conv2D(
            stem, (3, 3), strides=(2, 2), use_bias=False, name="stem_conv1", kernel_initializer="he_normal"
        )(x)
        x = _norm(x, "stem_bn1")
        previous = x
        x = _reduction(x, None, filters // 4, "stem_1")
        x, previous = _reduction(x, previous, filters // 2, "stem_2"), x
        for stage in range(3):
            width = filters * 2**stage
            if stage:
                before = x
                x = _reduction(x, previous, width, f"reduce_{stage * blocks}")
                previous = previous if skip_reduction else before
            for i in range(blocks):
                number = stage * blocks + i + (stage > 0)
                x, previous = _normal(x, previous, width, f"{number}"), x
        return _relu(x)

    def top(x: KerasTensor, given: Any) -> Any:
        x = layers.GlobalAveragePooling2D()(x)
        return layers.Dense(given.classes, activation=given.classifier_activation, name="predictions")(x)

    def published(given: Any) -> File:
        bare = not given.include_top
        address = f"{KERAS}nasnet/NASNet-{kind.lower()}{'-no-top' if bare else ''}.h5"
        return File(address, digests[bare], f"nasnet_{kind.lower()}{'_no_top' if bare else ''}.h5")

    return application(
        f"NASNet{kind}",
        f"nasnet_{kind.lower()}",
        features,
        summary=f"NASNet-A {kind.lower()}, Zoph et al. 2018 (arXiv:1707.07012), for pixels from -1 to 1.",
        outputs=outputs,
        size=size,
        top=top,
        order=SHAPE_FIRST,
        imagenet=published,
    )


NASNetMobile = _nasnet(
    "Mobile", 224, 1056, 4, 32, False,
    ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
)  # fmt: skip
NASNetLarge = _nasnet(
    "Large", 331, 4032, 6, 96, True,
    ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"),
)  # fmt: skip
preprocess_input = preprocessing("tf")
