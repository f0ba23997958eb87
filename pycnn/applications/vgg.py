"""VGG: Simonyan & Zisserman 2015, Very deep convolutional networks (arXiv:1409.1556)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pycnn import layers
from pycnn.applications.building import Counterpart, application
from pycnn.applications.published import weights
from pycnn.core.symbolic import KerasTensor
from pycnn.models import Model

_FILTERS = (64, 128, 256, 512, 512)


def vgg(depth: int, convolutions: tuple[int, ...], digests: tuple[str, str]) -> Callable[..., Model]:
    """The function of one network, by the number of convolutions in each block."""

    def features(x: KerasTensor, given: Any) -> Any:
        for block, (filters, count) in enumerate(zip(_FILTERS, convolutions, strict=True), 1):
            for i in range(1, count + 1):
                name = f"block{block}_conv{i}"
                x = layers.Conv2D(filters, (3, 3), activation="relu", padding="same", name=name)(x)
            x = layers.MaxPooling2D((2, 2), strides=(2, 2), name=f"block{block}_pool")(x)
        return x

    path = f"vgg{depth}/vgg{depth}_weights_tf_dim_ordering_tf_kernels"
    return application(
        f"VGG{depth}",
        f"vgg{depth}",
        features,
        summary=f"VGG with {depth} layers, Simonyan & Zisserman 2015 (arXiv:1409.1556).",
        outputs=512,
        top=_top,
        imagenet=lambda given: weights(given, path, *digests),
        torchvision=Counterpart(f"vgg{depth}", lambda model: _modules(convolutions)),
    )


def _modules(convolutions: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    number = 0  # in a list of convolutions, ReLUs and poolings
    for block, count in enumerate(convolutions, 1):
        for i in range(1, count + 1):
            yield f"block{block}_conv{i}", f"features.{number}"
            number += 2
        number += 1
    yield from (("fc1", "classifier.0"), ("fc2", "classifier.3"), ("predictions", "classifier.6"))


def _top(x: KerasTensor, given: Any) -> Any:
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return layers.Dense(given.classes, activation=given.classifier_activation, name="predictions")(x)
