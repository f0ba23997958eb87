"""Recipes: how to train a network on Fashion-MNIST, each described once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import optimizers
from pycnn.recipes.networks import deck, residual
from pycnn.recipes.schedule import LinearDecay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.models import Model

__all__ = ["RECIPES", "LinearDecay", "Recipe", "deck", "residual"]

_CLASSES = 10


@dataclass(frozen=True)
class Recipe:
    """A network, and how it is trained.

    Args:
        summary: for the help.
        network: makes it, not compiled, from the name of a precision policy.
        epochs: passes over the data.
        batch_size: images in a step.
        optimizer: its name.
        settings: the optimizer's arguments.
        warm_up: share of the steps in which the learning rate rises, before it falls evenly to zero.
        label_smoothing: of the cross-entropy.
        augment: None, or what `Augmented` takes: images are moved and mirrored at random then, and the final
            test averages the predictions for 18 views of each image.
    """

    summary: str
    network: Callable[[str], Model]
    epochs: int
    batch_size: int
    optimizer: str
    settings: dict[str, Any]
    warm_up: float = 0.0
    label_smoothing: float = 0.0
    augment: dict[str, int] | None = None

    def compiled(
        self, policy: str = "float32", optimizer: str | None = None, learning_rate: float | None = None
    ) -> Model:
        """The network, ready for `fit`; None stands for the recipe's own."""
        name = optimizer or self.optimizer
        settings = dict(self.settings) if name == self.optimizer else {}
        if learning_rate is not None:
            settings["learning_rate"] = learning_rate
        loss: Any = "sparse_categorical_crossentropy"
        if self.label_smoothing:
            from pycnn.losses import CategoricalCrossentropy

            loss = CategoricalCrossentropy(label_smoothing=self.label_smoothing)
        model = self.network(policy)
        kind: Any = type(optimizers.get(name))
        model.compile(kind(**settings), loss, metrics=["accuracy"])
        return model

    def targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """Labels in the form that the loss takes."""
        return np.eye(_CLASSES, dtype=np.float32)[y] if self.label_smoothing else y

    def fit(
        self, model: Model, pixels: NDArray[np.uint8], y: NDArray[Any], epochs: int | None = None,
        batch_size: int | None = None, decay: bool = True, callbacks: Any = (), **arguments: Any,
    ) -> Any:  # fmt: skip
        """Trains on images uint8 (n, 28, 28) and labels (n,); `arguments` are further ones of `model.fit`."""
        epochs, size = epochs or self.epochs, batch_size or self.batch_size
        called = list(callbacks)
        if decay:
            called.append(LinearDecay(epochs * math.ceil(len(y) / size), self.warm_up))
        arguments = {"epochs": epochs, "verbose": 0, "callbacks": called, **arguments}
        if self.augment is None:
            return model.fit(unit(pixels), self.targets(y), batch_size=size, **arguments)
        from pycnn.recipes.augmentation import Augmented

        return model.fit(Augmented(pixels, self.targets(y), size, **self.augment), shuffle=False, **arguments)

    def accuracy(self, model: Model, pixels: NDArray[np.uint8], y: NDArray[Any]) -> float:
        """The share of images that are classified rightly, by the mean over their views where it augments."""
        if self.augment is None:
            return _right(model.predict(unit(pixels), batch_size=512, verbose=0), y)
        from pycnn.recipes.augmentation import views

        return _right(sum(w * model.predict(x, batch_size=512, verbose=0) for w, x in views(pixels)), y)


def unit(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels (n, h, w) of 0 to 255 as images (n, h, w, 1) in [0, 1]."""
    images: NDArray[np.float32] = pixels[..., None] * np.float32(1 / 255)
    return images


def _right(probabilities: Any, y: NDArray[Any]) -> float:
    return float((probabilities.argmax(1) == y).mean())


_MOMENTUM = {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-3}
RECIPES = {
    "deck": Recipe("two convolutions and two dense layers, plainly", deck, 5, 64, "adam", {}),
    # Epochs and rate were chosen on 10,000 images held out of the training set.
    "fast": Recipe(
        "the same network in the shortest time to 91 %",
        partial(deck, standardize=True), 4, 64, "adam", {"learning_rate": 3e-3}, warm_up=0.3,
    ),
    # Width, epochs and rate were chosen on 10,000 images held out.
    "best": Recipe(
        "a residual network on images moved and mirrored at random",
        residual, 15, 128, "sgd", _MOMENTUM, 0.2, 0.05, {"shift": 1},
    ),
    # Width and rectangles were chosen on 10,000 images held out.
    "patient": Recipe(
        "a wider one that learns for long, with rectangles erased too",
        partial(residual, width=64), 58, 128, "sgd", _MOMENTUM, 0.1, 0.05, {"shift": 2, "erase": 15},
    ),
}  # fmt: skip
