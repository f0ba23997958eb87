"""A penalty for what goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn import regularizers
from pycnn.core.layer import Layer

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint


class ActivityRegularization(Layer):
    """The input as it is; l1 * sum |x| + l2 * sum x^2 of it, per sample, is added to the loss.

    Args:
        l1: factor of the first sum, at least 0.
        l2: factor of the second sum, at least 0.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument is not such a number.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.ActivityRegularization(l2=0.01)([[1, 2]])
        array([[1., 2.]], dtype=float32)
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2

    def lower(self, graph: Blueprint, node: int) -> int:
        return node

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["activity_regularizer"]
        return config | {"l1": self.l1, "l2": self.l2}
