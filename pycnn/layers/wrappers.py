"""Layers that hold another layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycnn.core import registry, serialization
from pycnn.core.layer import Layer


class Wrapper(Layer):
    """What holds a layer and changes how it is used: the base of such layers, none to be used itself.

    Args:
        layer: that it holds.
        kwargs: name, trainable, input_shape.

    Raises:
        ValueError: if `layer` is no layer.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(f"{type(self).__name__}: layer is {layer!r:.200}; expected a layer")
        super().__init__(**kwargs)
        self.layer = layer

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"layer": serialization.serialize(self.layer, "keras.layers")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer from the dict that `get_config` returned."""
        layer = config.get("layer")
        found = registry.deserialize_layer(layer) if isinstance(layer, Mapping) else layer
        return cls(**config | {"layer": found})


class TimeDistributed(Wrapper):
    """The same layer for every step of a sequence: the input is (n, steps, ...), of which it gets (n, ...).

    As the steps are calls of the layer one after the other, time and memory for planning grow with their
    number: Dense, Conv2D on images and what works on each value need no TimeDistributed where they take an
    input of more axes.

    Args:
        layer: with one input and one output.
        kwargs: name, trainable, input_shape.

    Raises:
        ValueError: if `layer` is no layer, or the input has fewer than two axes besides the batch's.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> images = keras.layers.TimeDistributed(keras.layers.Flatten())
        >>> images(np.zeros((2, 5, 3, 4))).shape
        (2, 5, 12)
    """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        from pycnn import ops

        if len(inputs.shape) < 3:
            raise ValueError(
                f"Layer {self.name!r} (TimeDistributed) expects an input of at least three axes, "
                f"(n, steps, ...), but it has shape {inputs.shape}"
            )
        steps = [self.layer(inputs[:, step], training=training) for step in range(inputs.shape[1])]
        return ops.stack(steps, axis=1)
