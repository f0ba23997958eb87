"""Convolutions of sequences and images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_int
from pycnn.layers.convolution_base import Convolution
from pycnn.layers.documentation import described

if TYPE_CHECKING:
    from pycnn.core.layer import WeightSpec
    from pycnn.core.operations.value import Value
    from pycnn.core.variable import Variable
    from pycnn.layers.convolution_base import Padding, Sizes


class _Conv(Convolution):
    dilates_strided = False
    kernel: Variable

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Padding = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, padding_value,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        owner = type(self).__name__
        self.filters = as_int(f"{owner}: filters", filters, 1)
        self.groups = as_int(f"{owner}: groups", groups, 1)
        if self.filters % self.groups:
            raise ValueError(f"{owner}: {self.filters} filters cannot be divided into {self.groups} groups")
        self._describe_weight("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._describe_weight("bias", bias_initializer, bias_regularizer, bias_constraint)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.name!r}: {channels} input channels cannot be divided into {self.groups} groups"
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        return [self._weight("kernel", "kernel", shape), *self._bias_specs(self.filters)]

    def _computed(self, x: Value, bias: Value | None, activate: Callable[[Value], Value]) -> Value:
        return activate(self._convolved(x, self._kernel(x, self.kernel), bias, self.groups))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"filters": self.filters, "groups": self.groups}


@described(
    padding="""'valid' (none), 'same' (ceil(size / stride) outputs, the odd pixel at the end), 'causal' (as
        many, and each sees no later pixels), or, beyond Keras, explicit pixels (left, right)."""
)
class Conv1D(_Conv):
    """1D convolution: y[i, f] = b[f] + sum over window and channels of x * w[..., f].

    Input (n, w, c), output (n, ow, filters), kernel (kw, c / groups, filters), bias (filters,).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.Conv1D(1, 3, padding="causal", kernel_initializer="ones")
        >>> layer(np.ones((1, 4, 1)))[0, :, 0]
        array([1., 2., 3., 3.], dtype=float32)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


@described(
    padding="""'valid' (none), 'same' (ceil(size / stride) outputs, the odd pixel at the end), or, beyond
        Keras, explicit pixels ((top, bottom), (left, right))."""
)
class Conv2D(_Conv):
    """2D convolution: y[i, j, f] = b[f] + sum over window and channels of x * w[..., f].

    Input (n, h, w, c), output (n, oh, ow, filters), kernel (kh, kw, c / groups, filters), bias (filters,).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.Conv2D(1, 3, padding="same", kernel_initializer="ones")
        >>> layer(np.ones((1, 2, 2, 1)))[0, :, :, 0]
        array([[4., 4.],
               [4., 4.]], dtype=float32)
    """

    rank = 2


Convolution1D = Conv1D
Convolution2D = Conv2D
