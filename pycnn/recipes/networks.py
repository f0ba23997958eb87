"""The networks of the recipes, not compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pycnn.models import Model, Sequential

__all__ = ["deck", "residual"]

MEAN, DEVIATION = 0.286, 0.353  # of Fashion-MNIST's training images in [0, 1]


def deck(policy: str = "float32", standardize: bool = False) -> Sequential:
    """Two convolutions and two dense layers: 243,786 parameters, 10.1 million operations for an image.

    Args:
        policy: what convolutions and dense layers compute in.
        standardize: whether a layer in front brings pixels in [0, 1] to mean 0 and deviation 1.
    """
    import pycnn as keras
    from pycnn import layers

    front = [_standardization()] if standardize else []
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *front,
            layers.Conv2D(64, 3, activation="relu", dtype=policy),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu", dtype=policy),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu", dtype=policy),
            layers.Dense(10, activation="softmax", dtype=policy),
        ]
    )


def residual(policy: str = "float32", width: int = 48) -> Model:
    """A convolution at 28 x 28 pixels, a residual block at 14 x 14, a convolution and a block at 7 x 7.

    Large images and many channels are dear together, so each pooling comes before the channels grow.
    After He et al., "Deep residual learning for image recognition", 2016.

    Args:
        policy: what convolutions and dense layers compute in.
        width: channels at 28 x 28 and 14 x 14; 7 x 7 has twice as many.
    """
    import pycnn as keras
    from pycnn import layers

    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(
        width, 3, padding="same", activation="relu", kernel_initializer="he_normal", dtype=policy
    )(_standardization()(inputs))
    x = layers.BatchNormalization(momentum=0.9)(layers.MaxPooling2D(2)(x))
    x = layers.MaxPooling2D(2)(_block(x, width, policy))
    x = _block(_convolution(x, 2 * width, policy), 2 * width, policy)
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", dtype=policy)(x), name="residual")


def _standardization() -> Any:
    from pycnn import layers

    return layers.Rescaling(1 / DEVIATION, -MEAN / DEVIATION)


def _convolution(x: Any, filters: int, policy: str) -> Any:
    from pycnn import layers

    x = layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", dtype=policy
    )(x)
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))


def _block(x: Any, filters: int, policy: str) -> Any:
    from pycnn import layers

    return layers.Add()([x, _convolution(_convolution(x, filters, policy), filters, policy)])
