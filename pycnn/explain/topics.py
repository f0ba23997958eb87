"""The figures by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pycnn.explain.activations import activations
from pycnn.explain.augmentation import augmentation
from pycnn.explain.feature_maps import feature_maps
from pycnn.explain.kernel import kernel
from pycnn.explain.normalization import normalization
from pycnn.explain.optimizers import optimizers
from pycnn.explain.padding import padding
from pycnn.explain.pooling import pooling
from pycnn.explain.softmax import softmax


class Topic(NamedTuple):
    """A figure.

    Args:
        draw: makes it.
        summary: for the help.
        takes: the arguments, of `picture`, `model`, `kernel` and `fill_value`, that `draw` has.
    """

    draw: Callable[..., Any]
    summary: str
    takes: tuple[str, ...] = ()


TOPICS = {
    "kernel": Topic(kernel, "a kernel over a picture, with the products of one block", ("picture", "kernel")),
    "padding": Topic(padding, "padding and stride on a small grid", ("fill_value",)),
    "feature-maps": Topic(
        feature_maps, "what each convolution of a network makes of a picture", ("picture", "model")
    ),
    "pooling": Topic(pooling, "max and average pooling of a picture's pixels", ("picture",)),
    "activations": Topic(activations, "all activation functions with their derivatives"),
    "softmax": Topic(softmax, "from logits to probabilities"),
    "normalization": Topic(normalization, "data centred, standardized and whitened"),
    "augmentation": Topic(augmentation, "samples for each argument of ImageDataGenerator", ("picture",)),
    "optimizers": Topic(optimizers, "the path of every optimizer down a surface, also as .gif"),
}
