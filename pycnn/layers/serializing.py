"""Layers as plain data, and back."""

from __future__ import annotations

from typing import Any

from pycnn.core import registry
from pycnn.core.layer import Layer


def serialize(layer: Layer) -> dict[str, Any]:
    """A description of a layer, without its weights, as plain data; TypeError where it is no layer."""
    if not isinstance(layer, Layer):
        raise TypeError(f"layers.serialize: {layer!r:.200} is no layer")
    return layer.serialize()


def deserialize(config: Any) -> Layer:
    """The layer that `serialize` described, with new weights; only pycnn's own classes can come out.

    Args:
        config: a dict with `class_name` and `config`.

    Returns:
        A new layer.

    Raises:
        TypeError, ValueError: if the description is none, or names a class that pycnn does not have.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.deserialize({"class_name": "Dense", "config": {"units": 2, "name": "d"}})
        <Dense name=d, built=False>
    """
    return registry.deserialize_layer(config)
