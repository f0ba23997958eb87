"""How a network learns the pictures of a folder: which one suits their size and number."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pycnn.recipes import Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycnn.models import Model
    from pycnn.preprocessing.image import ImageDataGenerator

__all__ = ["CHOICES", "INPUT", "SIZES", "Choice", "augmentation", "recipe_for", "size_for"]

INPUT = "pixels_0_to_255"  # the name of the input of networks that scale pixels by themselves
SIZES = (32, 48, 64, 96, 128, 160)
_SMALLEST_MAP = 8  # pixels: no further pooling below twice that
_PASSES = 30_000  # pictures that a training looks at, about


class Choice(NamedTuple):
    """A network for so many pictures.

    Args:
        pictures: for which it is the one, at least so many to train on.
        filters: of the first convolution; they double after each pooling.
        most: filters at most.
        convolutions: before each pooling.
        dropout: before the classifier.
    """

    pictures: int
    filters: int
    most: int
    convolutions: int
    dropout: float


# Convolutions 3 x 3, each with batch normalization, in front of each pooling; then the mean of each map.
CHOICES = (
    Choice(0, 16, 128, 1, 0.3),
    Choice(2_000, 24, 192, 1, 0.3),
    Choice(20_000, 32, 256, 2, 0.3),
)


def size_for(sides: Sequence[int]) -> int:
    """The height and width for pictures with these shorter sides: the largest one not above their median.

    Example:
        >>> from pycnn.recipes.pictures import size_for
        >>> size_for([100, 110, 3000]), size_for([20, 20])
        (96, 32)
    """
    middle = sorted(sides)[len(sides) // 2]
    return max((size for size in SIZES if size <= middle), default=SIZES[0])


def recipe_for(size: int, pictures: int, classes: int) -> Recipe:
    """A network, and how it is trained.

    Args:
        size: height and width of the pictures in pixels.
        pictures: how many there are to train on.
        classes: how many there are.

    Example:
        >>> from pycnn.recipes.pictures import recipe_for
        >>> recipe = recipe_for(64, 500, 3)
        >>> recipe.network("float32").output_shape, recipe.epochs
        ((None, 3), 40)
    """
    choice = next(choice for choice in reversed(CHOICES) if pictures >= choice.pictures)
    epochs = min(max(_PASSES // pictures, 10), 40)
    return Recipe(
        "chosen by the size and number of the pictures", partial(_network, size, classes, choice),
        epochs, 16 if pictures < 2_000 else 32, "adam", {"learning_rate": 3e-3}, warm_up=0.2,
    )  # fmt: skip


def augmentation() -> ImageDataGenerator:
    """Pictures turned by up to 15 degrees, shifted and zoomed by a tenth, mirrored, brighter or darker."""
    from pycnn.preprocessing.image import ImageDataGenerator

    return ImageDataGenerator(
        rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.1,
        brightness_range=(0.8, 1.2), horizontal_flip=True, fill_mode="reflect",
    )  # fmt: skip


def _network(size: int, classes: int, choice: Choice, policy: str = "float32") -> Model:
    import pycnn as keras
    from pycnn import layers

    inputs = keras.Input((size, size, 3), name=INPUT)
    x: Any = layers.Rescaling(1 / 127.5, -1.0)(inputs)
    filters, side = choice.filters, size
    while True:
        for _ in range(choice.convolutions):
            x = layers.Conv2D(
                filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", dtype=policy
            )(x)
            x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
        if side < 2 * _SMALLEST_MAP:
            break
        x = layers.MaxPooling2D(2)(x)
        filters, side = min(2 * filters, choice.most), side // 2
    x = layers.Dropout(choice.dropout)(layers.GlobalAveragePooling2D()(x))
    outputs = layers.Dense(classes, activation="softmax", dtype=policy)(x)
    return keras.Model(inputs, outputs, name="pictures")
