"""What all convolutions share: windows, a bias and an activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pycnn import activations, regularizers
from pycnn.activations.operation import is_elementwise
from pycnn.activations.operation import lower as lower_activation
from pycnn.core.arguments import as_number
from pycnn.core.operations.convolution import convolved
from pycnn.core.operations.images import pair
from pycnn.core.operations.nodes import reshaped
from pycnn.core.operations.value import Value
from pycnn.layers.checks import plain
from pycnn.layers.spatial import SpatialLayer, checked_padding
from pycnn.layers.weights import WithWeights

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.layer import WeightSpec
    from pycnn.core.variable import Variable

Sizes: TypeAlias = int | Sequence[int]
Padding: TypeAlias = str | Sequence[int] | Sequence[Sequence[int]]


class Convolution(SpatialLayer, WithWeights):
    """A convolution of any kind, of sequences or images."""

    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    takes_pixels: ClassVar[bool] = True  # explicit padding, which is beyond Keras
    dilates_strided: ClassVar[bool] = True  # strides and dilation may both be above 1

    bias: Variable | None

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes,
        padding: Padding,
        data_format: str | None,
        dilation_rate: Sizes,
        activation: Any,
        use_bias: bool,
        padding_value: float = 0.0,
        lora_rank: None = None,
        lora_alpha: None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        owner = type(self).__name__
        self._reject(lora_rank=lora_rank, lora_alpha=lora_alpha)
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.strides = self._sizes("strides", strides)
        self.padding = checked_padding(owner, padding, self.paddings, self.rank if self.takes_pixels else 0)
        self.padding_value = as_number(f"{owner}: padding_value", padding_value)
        self.dilation_rate = self._sizes("dilation_rate", dilation_rate)
        if not self.dilates_strided and max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{owner}: strides {self.strides} and dilation_rate {self.dilation_rate} are both above 1"
            )
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        if not self.use_bias:
            self.bias = None

    def _bias_specs(self, filters: int) -> list[WeightSpec]:
        return [self._weight("bias", "bias", (filters,))] if self.use_bias else []

    def lower(self, graph: Blueprint, node: int) -> int:
        def activate(y: Value) -> Value:
            return y.then(lower_activation(self.activation, graph, y.node, self.name))

        for variable in self._variables:  # the kernel first, as in the layer's weights
            graph.variable(variable, self)
        x = self._image(graph, node)
        bias = None if self.bias is None else x.then(graph.variable(self.bias, self))
        if is_elementwise(self.activation):
            return self._from_image(self._computed(x, bias, activate))
        y = self._from_image(self._computed(x, bias, lambda y: y))
        return activate(x.then(y)).node

    def _computed(self, x: Value, bias: Value | None, activate: Callable[[Value], Value]) -> Value:
        """The images that come out, with an activation of each value by itself."""
        raise NotImplementedError

    def _kernel(self, x: Value, variable: Variable) -> Value:
        """A kernel of images, one of sequences having height 1."""
        kernel = x.then(x.graph.variable(variable, self))
        return reshaped(kernel, (*pair(kernel.sample[: self.rank]), *kernel.sample[self.rank :]))

    def _convolved(self, x: Value, kernel: Value, bias: Value | None, groups: int) -> Value:
        return convolved(
            x,
            kernel,
            bias,
            strides=pair(self.strides),
            padding=self._image_padding(),
            dilation=pair(self.dilation_rate),
            groups=groups,
            padding_value=self.padding_value,
            precision=self.compute_dtype,
        )

    def _image_padding(self) -> Any:
        if self.padding == "causal":
            return (0, 0), (self.dilation_rate[0] * (self.kernel_size[0] - 1), 0)
        if isinstance(self.padding, str):
            return self.padding
        return ((0, 0), *self.padding)[-2:]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": plain(self.padding),
            "data_format": self.data_format,
            "dilation_rate": list(self.dilation_rate),
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
        return config | ({"padding_value": self.padding_value} if self.padding_value else {})
