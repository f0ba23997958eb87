"""Fully connected layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn import activations, constraints, initializers, regularizers
from pycnn.activations.operation import is_along_last_axis
from pycnn.activations.operation import lower as lower_activation
from pycnn.core.arguments import as_int
from pycnn.core.layer import Layer, WeightSpec

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.variable import Variable


class Dense(Layer):
    """activation(x @ kernel + bias), along the last axis.

    Input (n, ..., d), output (n, ..., units), kernel (d, units), bias (units,).

    Args:
        units: number of outputs.
        activation: name, function, layer or None.
        use_bias: whether there is a bias.
        kernel_initializer: name or object.
        bias_initializer: name or object.
        kernel_regularizer: name, object or function, or None, as all regularizers and constraints.
        lora_rank: only None, as all lora and quantization arguments.
        kwargs: name, trainable, dtype, input_shape, input_dim.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Dense(1, kernel_initializer="ones")([[1, 2, 3]])
        array([[6.]], dtype=float32)
    """

    kernel: Variable
    bias: Variable | None

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = as_int("Dense: units", units, 1)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        if not self.use_bias:
            self.bias = None
        self._reject(
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )

    @property
    def takes_further_axes(self) -> bool:
        return is_along_last_axis(self.activation)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        if not input_shape:
            raise ValueError(
                f"Layer {self.name!r} expects an input of at least two axes, (n, ..., features), not (None,)"
            )
        kernel = WeightSpec(
            "kernel", (input_shape[-1], self.units), self.kernel_initializer, True,
            self.kernel_regularizer, self.kernel_constraint,
        )  # fmt: skip
        bias = WeightSpec(
            "bias", (self.units,), self.bias_initializer, True, self.bias_regularizer, self.bias_constraint
        )
        return [kernel, bias] if self.use_bias else [kernel]

    def lower(self, graph: Blueprint, node: int) -> int:
        node = graph.dense(
            node,
            graph.variable(self.kernel, self),
            graph.variable(self.bias, self) if self.bias is not None else None,
            precision=self.compute_dtype,
            name=self.name,
        )
        return lower_activation(self.activation, graph, node, self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
        }
