"""Convolutions of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn import activations, constraints, initializers, regularizers
from pycnn.activations.operation import lower as lower_activation
from pycnn.core.arguments import as_int, as_number, as_pair
from pycnn.core.layer import Layer, WeightSpec
from pycnn.layers.checks import checked_data_format, plain
from pycnn.layers.geometry import checked_padding, image_size, resolved_padding

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.variable import Variable

    Pair: TypeAlias = int | Sequence[int]
    ImagePadding: TypeAlias = str | Sequence[Sequence[int]]


class _Convolution(Layer):
    """What all convolutions share: windows, activation, bias."""

    kernel: Variable
    bias: Variable | None

    def __init__(
        self,
        kernel_size: Pair,
        strides: Pair,
        padding: ImagePadding,
        data_format: str | None,
        dilation_rate: Pair,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        padding_value: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.kernel_size = as_pair(f"{owner}: kernel_size", kernel_size)
        self.strides = as_pair(f"{owner}: strides", strides)
        self.padding = checked_padding(owner, padding, explicit=True)
        self.padding_value = as_number(f"{owner}: padding_value", padding_value)
        self.data_format = checked_data_format(self, data_format)
        self.dilation_rate = as_pair(f"{owner}: dilation_rate", dilation_rate)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{owner}: strides {self.strides} and dilation_rate {self.dilation_rate} are both above 1"
            )
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        if not self.use_bias:
            self.bias = None

    def _bias_specs(self, filters: int) -> list[WeightSpec]:
        spec = WeightSpec(
            "bias", (filters,), self.bias_initializer, True, self.bias_regularizer, self.bias_constraint
        )
        return [spec] if self.use_bias else []

    def _bias(self, graph: Blueprint) -> int | None:
        return graph.variable(self.bias, self) if self.bias is not None else None

    def _convolved(self, graph: Blueprint, node: int, kernel: int, bias: int | None, groups: int) -> int:
        padding = resolved_padding(
            self.padding, graph.shape(node), self.kernel_size, self.strides, self.dilation_rate
        )
        return graph.conv2d(
            node,
            kernel,
            bias,
            strides=self.strides,
            padding=padding,
            pad_value=self.padding_value,
            dilation=self.dilation_rate,
            groups=groups,
            precision=self.compute_dtype,
            name=self.name,
        )

    def _shared_config(self) -> dict[str, Any]:
        config = {
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": plain(self.padding),
            "data_format": self.data_format,
            "dilation_rate": list(self.dilation_rate),
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
        return config | ({"padding_value": self.padding_value} if self.padding_value else {})


class Conv2D(_Convolution):
    """2D convolution: y[i, j, f] = b[f] + sum over window and channels of x * w[..., f].

    Input (n, h, w, c), output (n, oh, ow, filters), kernel (kh, kw, c / groups, filters), bias (filters,).

    Args:
        filters: number of output channels.
        kernel_size: height and width of the window in pixels, or one integer for both.
        strides: step of the window in pixels.
        padding: 'valid' (none), 'same' (ceil(size / stride) outputs, the odd pixel at the bottom and right),
            or, beyond Keras, explicit pixels ((top, bottom), (left, right)).
        data_format: None or 'channels_last'.
        dilation_rate: distance of the window's taps in pixels.
        groups: input and output channels are divided into so many independent groups.
        activation: name, function, layer or None.
        use_bias: whether there is a bias.
        kernel_initializer: name or object.
        bias_initializer: name or object.
        kernel_regularizer: name, object or function, or None, as all regularizers and constraints.
        padding_value: beyond Keras, the value of the pixels outside the image.
        kwargs: name, trainable, dtype, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.Conv2D(1, 3, padding="same", kernel_initializer="ones")
        >>> layer(np.ones((1, 2, 2, 1)))[0, :, :, 0]
        array([[4., 4.],
               [4., 4.]], dtype=float32)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Pair,
        strides: Pair = (1, 1),
        padding: ImagePadding = "valid",
        data_format: str | None = None,
        dilation_rate: Pair = (1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        padding_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, bias_constraint, padding_value,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.filters = as_int("Conv2D: filters", filters, 1)
        self.groups = as_int("Conv2D: groups", groups, 1)
        if self.filters % self.groups:
            raise ValueError(f"Conv2D: {self.filters} filters cannot be divided into {self.groups} groups")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        channels = image_size(self.name, input_shape)[2]
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.name!r}: {channels} input channels cannot be divided into {self.groups} groups"
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        kernel = WeightSpec(
            "kernel", shape, self.kernel_initializer, True, self.kernel_regularizer, self.kernel_constraint
        )
        return [kernel, *self._bias_specs(self.filters)]

    def lower(self, graph: Blueprint, node: int) -> int:
        kernel = graph.variable(self.kernel, self)
        node = self._convolved(graph, node, kernel, self._bias(graph), self.groups)
        return lower_activation(self.activation, graph, node, self.name)

    def get_config(self) -> dict[str, Any]:
        return (
            super().get_config()
            | self._shared_config()
            | {
                "filters": self.filters,
                "groups": self.groups,
                "kernel_initializer": initializers.serialize(self.kernel_initializer),
                "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
                "kernel_constraint": constraints.serialize(self.kernel_constraint),
            }
        )


class DepthwiseConv2D(_Convolution):
    """A convolution of each channel on its own, with `depth_multiplier` outputs for each.

    Input (n, h, w, c), output (n, oh, ow, c * depth_multiplier), kernel (kh, kw, c, depth_multiplier).

    Args:
        kernel_size: height and width of the window in pixels, or one integer for both.
        strides: step of the window in pixels.
        padding: 'valid', 'same' or ((top, bottom), (left, right)), as in `Conv2D`.
        depth_multiplier: outputs for each input channel.
        data_format: None or 'channels_last'.
        dilation_rate: distance of the window's taps in pixels.
        activation: name, function, layer or None.
        use_bias: whether there is a bias.
        depthwise_initializer: name or object.
        bias_initializer: name or object.
        depthwise_regularizer: name, object or function, or None, as all regularizers and constraints.
        padding_value: beyond Keras, the value of the pixels outside the image.
        kwargs: name, trainable, dtype, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.DepthwiseConv2D(2, depthwise_initializer="ones")
        >>> layer(np.ones((1, 2, 2, 3)))
        array([[[[4., 4., 4.]]]], dtype=float32)
    """

    def __init__(
        self,
        kernel_size: Pair,
        strides: Pair = (1, 1),
        padding: ImagePadding = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Pair = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        padding_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, bias_constraint, padding_value,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = as_int("DepthwiseConv2D: depth_multiplier", depth_multiplier, 1)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        channels = image_size(self.name, input_shape)[2]
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        kernel = WeightSpec(
            "kernel", shape, self.depthwise_initializer, True,
            self.depthwise_regularizer, self.depthwise_constraint,
        )  # fmt: skip
        return [kernel, *self._bias_specs(channels * self.depth_multiplier)]

    def lower(self, graph: Blueprint, node: int) -> int:
        kernel = depthwise(graph, graph.variable(self.kernel, self))
        node = self._convolved(graph, node, kernel, self._bias(graph), graph.shape(node)[-1])
        return lower_activation(self.activation, graph, node, self.name)

    def get_config(self) -> dict[str, Any]:
        return (
            super().get_config()
            | self._shared_config()
            | {
                "depth_multiplier": self.depth_multiplier,
                "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
                "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
                "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
            }
        )


class SeparableConv2D(_Convolution):
    """A convolution of each channel on its own, then a 1x1 convolution that mixes channels. Chollet 2017.

    Input (n, h, w, c), output (n, oh, ow, filters), depthwise_kernel (kh, kw, c, depth_multiplier),
    pointwise_kernel (1, 1, c * depth_multiplier, filters), bias (filters,).

    Args:
        filters: number of output channels.
        kernel_size: height and width of the window in pixels, or one integer for both.
        strides: step of the window in pixels.
        padding: 'valid', 'same' or ((top, bottom), (left, right)), as in `Conv2D`.
        data_format: None or 'channels_last'.
        dilation_rate: distance of the window's taps in pixels.
        depth_multiplier: outputs of the first convolution for each input channel.
        activation: name, function, layer or None.
        use_bias: whether there is a bias, behind the second convolution.
        depthwise_initializer: name or object.
        pointwise_initializer: name or object.
        bias_initializer: name or object.
        depthwise_regularizer: name, object or function, or None, as all regularizers and constraints.
        padding_value: beyond Keras, the value of the pixels outside the image.
        kwargs: name, trainable, dtype, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> ones = {"depthwise_initializer": "ones", "pointwise_initializer": "ones"}
        >>> keras.layers.SeparableConv2D(1, 2, **ones)(np.ones((1, 2, 2, 3)))
        array([[[[12.]]]], dtype=float32)
    """

    depthwise_kernel: Variable
    pointwise_kernel: Variable

    def __init__(
        self,
        filters: int,
        kernel_size: Pair,
        strides: Pair = (1, 1),
        padding: ImagePadding = "valid",
        data_format: str | None = None,
        dilation_rate: Pair = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        padding_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, bias_constraint, padding_value,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.filters = as_int("SeparableConv2D: filters", filters, 1)
        self.depth_multiplier = as_int("SeparableConv2D: depth_multiplier", depth_multiplier, 1)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        channels = image_size(self.name, input_shape)[2]
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (1, 1, channels * self.depth_multiplier, self.filters)
        return [
            WeightSpec(
                "depthwise_kernel", depthwise, self.depthwise_initializer, True,
                self.depthwise_regularizer, self.depthwise_constraint,
            ),
            WeightSpec(
                "pointwise_kernel", pointwise, self.pointwise_initializer, True,
                self.pointwise_regularizer, self.pointwise_constraint,
            ),
            *self._bias_specs(self.filters),
        ]  # fmt: skip

    def lower(self, graph: Blueprint, node: int) -> int:
        kernel = depthwise(graph, graph.variable(self.depthwise_kernel, self))
        node = self._convolved(graph, node, kernel, None, graph.shape(node)[-1])
        node = graph.conv2d(
            node,
            graph.variable(self.pointwise_kernel, self),
            self._bias(graph),
            precision=self.compute_dtype,
            name=self.name,
        )
        return lower_activation(self.activation, graph, node, self.name)

    def get_config(self) -> dict[str, Any]:
        return (
            super().get_config()
            | self._shared_config()
            | {
                "filters": self.filters,
                "depth_multiplier": self.depth_multiplier,
                "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
                "pointwise_initializer": initializers.serialize(self.pointwise_initializer),
                "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
                "pointwise_regularizer": regularizers.serialize(self.pointwise_regularizer),
                "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
                "pointwise_constraint": constraints.serialize(self.pointwise_constraint),
            }
        )


def depthwise(graph: Blueprint, kernel: int) -> int:
    """Keras' kernel (h, w, c, multiplier) as the core's (h, w, 1, c * multiplier): the same memory."""
    height, width, channels, multiplier = graph.shape(kernel)
    return graph.reshape(kernel, (height, width, 1, channels * multiplier), name="depthwise kernel")
