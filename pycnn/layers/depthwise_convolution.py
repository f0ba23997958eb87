"""Convolutions of each channel on its own, alone or followed by one that mixes the channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_int
from pycnn.core.operations.convolution import convolved, depthwise_kernel
from pycnn.layers.convolution_base import Convolution
from pycnn.layers.documentation import described

if TYPE_CHECKING:
    from pycnn.core.layer import WeightSpec
    from pycnn.core.operations.value import Value
    from pycnn.core.variable import Variable
    from pycnn.layers.convolution_base import Padding, Sizes


class _OfChannels(Convolution):
    def _set_multiplier(self, depth_multiplier: int) -> None:
        self.depth_multiplier = as_int(f"{type(self).__name__}: depth_multiplier", depth_multiplier, 1)

    def _depthwise(self, x: Value, variable: Variable, bias: Value | None) -> Value:
        return self._convolved(x, depthwise_kernel(self._kernel(x, variable)), bias, x.sample[-1])

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"depth_multiplier": self.depth_multiplier}


class _DepthwiseConv(_OfChannels):
    kernel: Variable

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Padding = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, padding_value,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self._set_multiplier(depth_multiplier)
        self._describe_weight("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._describe_weight("bias", bias_initializer, bias_regularizer, bias_constraint)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        bias = self._bias_specs(channels * self.depth_multiplier)
        return [self._weight("depthwise", "kernel", shape), *bias]

    def _computed(self, x: Value, bias: Value | None, activate: Callable[[Value], Value]) -> Value:
        return activate(self._depthwise(x, self.kernel, bias))


@described()
class DepthwiseConv1D(_DepthwiseConv):
    """A convolution of each channel on its own, with `depth_multiplier` outputs for each.

    Input (n, w, c), output (n, ow, c * depth_multiplier), kernel (kw, c, depth_multiplier).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.DepthwiseConv1D(2, depthwise_initializer="ones")
        >>> layer(np.ones((1, 2, 3)))
        array([[[2., 2., 2.]]], dtype=float32)
    """

    rank = 1


@described()
class DepthwiseConv2D(_DepthwiseConv):
    """A convolution of each channel on its own, with `depth_multiplier` outputs for each.

    Input (n, h, w, c), output (n, oh, ow, c * depth_multiplier), kernel (kh, kw, c, depth_multiplier).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.DepthwiseConv2D(2, depthwise_initializer="ones")
        >>> layer(np.ones((1, 2, 2, 3)))
        array([[[[4., 4., 4.]]]], dtype=float32)
    """

    rank = 2


class _SeparableConv(_OfChannels):
    depthwise_kernel: Variable
    pointwise_kernel: Variable

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Padding = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, padding_value,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.filters = as_int(f"{type(self).__name__}: filters", filters, 1)
        self._set_multiplier(depth_multiplier)
        self._describe_weight("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._describe_weight("pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        self._describe_weight("bias", bias_initializer, bias_regularizer, bias_constraint)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        channels = self._channels(input_shape)
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        return [
            self._weight("depthwise", "depthwise_kernel", depthwise),
            self._weight("pointwise", "pointwise_kernel", pointwise),
            *self._bias_specs(self.filters),
        ]

    def _computed(self, x: Value, bias: Value | None, activate: Callable[[Value], Value]) -> Value:
        y = self._depthwise(x, self.depthwise_kernel, None)
        kernel = self._kernel(x, self.pointwise_kernel)
        return activate(convolved(y, kernel, bias, precision=self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"filters": self.filters}


@described()
class SeparableConv1D(_SeparableConv):
    """A convolution of each channel on its own, then one of single pixels that mixes channels. Chollet 2017.

    Input (n, w, c), output (n, ow, filters), depthwise_kernel (kw, c, depth_multiplier), pointwise_kernel
    (1, c * depth_multiplier, filters), bias (filters,).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> ones = {"depthwise_initializer": "ones", "pointwise_initializer": "ones"}
        >>> keras.layers.SeparableConv1D(1, 2, **ones)(np.ones((1, 2, 3)))
        array([[[6.]]], dtype=float32)
    """

    rank = 1


@described()
class SeparableConv2D(_SeparableConv):
    """A convolution of each channel on its own, then one of single pixels that mixes channels. Chollet 2017.

    Input (n, h, w, c), output (n, oh, ow, filters), depthwise_kernel (kh, kw, c, depth_multiplier),
    pointwise_kernel (1, 1, c * depth_multiplier, filters), bias (filters,).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> ones = {"depthwise_initializer": "ones", "pointwise_initializer": "ones"}
        >>> keras.layers.SeparableConv2D(1, 2, **ones)(np.ones((1, 2, 2, 3)))
        array([[[[12.]]]], dtype=float32)
    """

    rank = 2


SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
