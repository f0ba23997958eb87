"""Scaled residual branches: layers inside networks of `keras.applications`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn import initializers
from pycnn.core.arguments import as_int, as_number
from pycnn.core.layer import Layer

if TYPE_CHECKING:
    from pycnn.core.variable import Variable


class CustomScaleLayer(Layer):
    """The first of two inputs plus the second times a number.

    Args:
        scale: the number.
        kwargs: name, trainable.

    Raises:
        TypeError, ValueError: if the scale is not a finite number.

    Example:
        >>> from pycnn.layers.residual import CustomScaleLayer
        >>> import numpy as np
        >>> CustomScaleLayer(0.5)([np.ones((1, 1)), np.ones((1, 1))])
        array([[1.5]], dtype=float32)
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = as_number("CustomScaleLayer: scale", scale)

    def call(self, inputs: Any) -> Any:
        return inputs[0] + inputs[1] * self.scale

    @property
    def has_weights(self) -> bool:
        return False

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"scale": self.scale}


class LayerScale(Layer):
    """Each channel times a weight. Touvron et al. 2021 (arXiv:2103.17239).

    Args:
        init_values: first value of all weights.
        projection_dim: number of channels.
        kwargs: name, trainable.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> from pycnn.layers.residual import LayerScale
        >>> LayerScale(0.5, 2)([[1, 2]])
        array([[0.5, 1. ]], dtype=float32)
    """

    gamma: Variable

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = as_number("LayerScale: init_values", init_values)
        self.projection_dim = as_int("LayerScale: projection_dim", projection_dim, 1)

    def build(self, input_shape: Any) -> None:
        initializer = initializers.Constant(self.init_values)
        self.gamma = self.add_weight(shape=(self.projection_dim,), initializer=initializer)
        self.built = True

    def call(self, x: Any) -> Any:
        return x * self.gamma

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "init_values": self.init_values,
            "projection_dim": self.projection_dim,
        }
