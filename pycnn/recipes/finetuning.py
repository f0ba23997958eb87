"""A network of keras.applications learns other pictures: a new classifier, then its last layers with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycnn.recipes.pictures import INPUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pycnn.models import Model

__all__ = ["Parts", "adapt_statistics", "assembled", "unfreeze"]


class Parts(NamedTuple):
    """Models that share layers.

    Args:
        whole: from pixels (n, height, width, 3), 0 to 255, to probabilities (n, classes).
        features: from these pixels to what the base network makes of them, (n, features).
        head: from features to probabilities.
        base: the network without its classifier, frozen. In `whole` and `features` it works as in inference:
            batch normalization keeps the statistics that it has learnt, and nothing is dropped.
    """

    whole: Model
    features: Model
    head: Model
    base: Model


def assembled(base: Model, preprocess: Callable[[Any], Any], classes: int, dropout: float = 0.2) -> Parts:
    """A base network with a classifier.

    Args:
        base: from what `preprocess` returns to features (n, features).
        preprocess: the family's `preprocess_input`.
        classes: how many.
        dropout: fraction of the features that the classifier does not see in training.

    Example:
        >>> import pycnn as keras
        >>> from pycnn.recipes.finetuning import assembled
        >>> network = keras.applications.mobilenet
        >>> base = network.MobileNet(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")
        >>> parts = assembled(base, network.preprocess_input, 3)
        >>> parts.whole.output_shape, len(parts.whole.trainable_variables)
        ((None, 3), 2)
    """
    import pycnn as keras
    from pycnn import layers

    base.trainable = False
    inputs = keras.Input(base.input_shape[1:], name=INPUT)
    features = keras.Model(inputs, base(preprocess(inputs), training=False), name="features")
    head = keras.Sequential(
        [
            keras.Input(features.output_shape[1:]),
            layers.Dropout(dropout),
            layers.Dense(classes, activation="softmax"),
        ],
        name="head",
    )
    return Parts(keras.Model(inputs, head(features.output), name="finetuned"), features, head, base)


def unfreeze(base: Model, count: int) -> int:
    """Lets the last `count` layers train, counted with those without weights; returns how many weights do.

    Raises:
        ValueError: none of them has weights.
    """
    base.trainable = True
    for layer in base.layers[: max(len(base.layers) - count, 0)]:
        layer.trainable = False
    trained = sum(int(np.prod(variable.shape)) for variable in base.trainable_variables)
    if not trained:
        raise ValueError(f"the last {count} layers of {base.name} have no weights; expected more of them")
    return trained


def adapt_statistics(base: Model, x: NDArray[Any]) -> None:
    """Gives the batch normalization of a network with random weights the statistics of these inputs."""
    import pycnn as keras
    from pycnn import layers

    norms = [layer for layer in base.leaves() if isinstance(layer, layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    base.trainable = True
    for layer in norms:
        layer.momentum = 0.0
    base.compile(keras.optimizers.SGD(0.0), "mse")
    base.fit(x, np.zeros((len(x), *base.output_shape[1:]), np.float32), batch_size=len(x), verbose=0)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    base.trainable = False
