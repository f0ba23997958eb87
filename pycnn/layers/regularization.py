"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_number
from pycnn.core.layer import Layer
from pycnn.core.seeds import checked_seed, next_seed

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint


class Dropout(Layer):
    """In training, random values become zero and the others are multiplied by 1 / (1 - rate).

    Srivastava et al. 2014.

    Args:
        rate: fraction of the values that become zero, in [0, 1).
        noise_shape: only None.
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Dropout(0.5)([[1, 2]])  # nothing in inference
        array([[1., 2.]], dtype=float32)
    """

    def __init__(self, rate: float, noise_shape: None = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = as_number("Dropout: rate", rate)
        if not 0 <= self.rate < 1:
            raise ValueError(f"Dropout: rate is {rate!r}; expected a number in [0, 1)")
        self._reject(noise_shape=noise_shape)
        self.seed = seed
        self.actual_seed = next_seed() if seed is None else checked_seed(seed)

    def lower(self, graph: Blueprint, node: int) -> int:
        if not self.rate or graph.mode is False:
            return node
        return graph.dropout(node, rate=self.rate, always=graph.mode is True, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rate": self.rate, "seed": self.seed, "noise_shape": None}
