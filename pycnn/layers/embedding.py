"""Rows of a table in the place of integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn import constraints, initializers, regularizers
from pycnn.core.arguments import as_int
from pycnn.core.layer import WeightSpec
from pycnn.layers.composed import Composed

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value
    from pycnn.core.variable import Variable


class Embedding(Composed):
    """For every integer the row of that number of a table that is learned.

    Input (n, ...), output (n, ..., output_dim), one weight, embeddings (input_dim, output_dim).
    Integers are exact up to 2^24; a negative one counts from the end, and one that is too large stands for
    the last row.

    Args:
        input_dim: number of rows.
        output_dim: length of a row.
        embeddings_initializer: name or object.
        embeddings_regularizer: name, object or function, or None, as the constraint.
        embeddings_constraint: see there.
        mask_zero: only False: masks are not passed on between layers.
        weights: the table to start with, or a list of it; None for the initializer's.
        lora_rank: only None, as all lora and quantization arguments.
        kwargs: name, trainable, input_shape, activity_regularizer.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Embedding(2, 3, "ones")([[0, 1]]).shape
        (1, 2, 3)
    """

    embeddings: Variable

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim = as_int("Embedding: input_dim", input_dim, 1)
        self.output_dim = as_int("Embedding: output_dim", output_dim, 1)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        if mask_zero:
            raise ValueError(
                "Embedding: mask_zero=True is not supported, as masks are not passed on to later layers; "
                "multiply by keras.ops.not_equal(x, 0) where it matters"
            )
        self._reject(lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        if weights is not None:
            self._build(())
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    @property
    def takes_further_axes(self) -> bool:
        return True

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        shape = (self.input_dim, self.output_dim)
        return [
            WeightSpec(
                "embeddings", shape, self.embeddings_initializer, True, self.embeddings_regularizer,
                self.embeddings_constraint,
            )
        ]  # fmt: skip

    def compute(self, ops: Any, x: Value) -> Value:
        y: Value = ops.take(self.value_of(self.embeddings, x), x, axis=0)
        return y

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": False,
            "quantization_config": None,
        }
