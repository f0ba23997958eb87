"""Transposed convolutions of sequences and images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_int
from pycnn.core.operations.images import pair
from pycnn.core.operations.transposed import transposed_convolution
from pycnn.layers.convolution_base import Convolution
from pycnn.layers.documentation import described

if TYPE_CHECKING:
    from pycnn.core.layer import WeightSpec
    from pycnn.core.operations.value import Value
    from pycnn.core.variable import Variable
    from pycnn.layers.convolution_base import Sizes

_described = described(
    strides="from one input pixel to the next in the output: an integer, or one for each axis.",
    padding="""'valid' or 'same': (w - 1) * stride + max(reach, stride) or w * stride outputs of w pixels,
        where the kernel reaches over dilation * (size - 1) + 1 pixels.""",
    output_padding="""below the strides: (w - 1) * stride + output_padding + (reach with 'valid', reach % 2
        with 'same') outputs instead; None for the above.""",
)


class _ConvTranspose(Convolution):
    takes_pixels = False
    dilates_strided = False
    kernel: Variable

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        output_padding: Sizes | None = None,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        owner = type(self).__name__
        self.filters = as_int(f"{owner}: filters", filters, 1)
        self.output_padding: tuple[int, ...] | None = None
        if output_padding is not None:
            self.output_padding = self._sizes("output_padding", output_padding, 0)
            if any(o >= s for o, s in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"{owner}: output_padding is {self.output_padding}; expected less than the strides, "
                    f"{self.strides}"
                )
        self._describe_weight("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._describe_weight("bias", bias_initializer, bias_regularizer, bias_constraint)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        shape = (*self.kernel_size, self.filters, self._channels(input_shape))
        return [self._weight("kernel", "kernel", shape), *self._bias_specs(self.filters)]

    def _computed(self, x: Value, bias: Value | None, activate: Callable[[Value], Value]) -> Value:
        assert isinstance(self.padding, str)
        beyond = self.output_padding
        return transposed_convolution(
            x,
            self._kernel(x, self.kernel),
            bias,
            strides=pair(self.strides),
            padding=self.padding,
            output_padding=(None, None) if beyond is None else pair(beyond, 0),
            dilation=pair(self.dilation_rate),
            precision=self.compute_dtype,
            activate=activate,
        )

    def get_config(self) -> dict[str, Any]:
        beyond = None if self.output_padding is None else list(self.output_padding)
        return super().get_config() | {"filters": self.filters, "output_padding": beyond}


@_described
class Conv1DTranspose(_ConvTranspose):
    """1D transposed convolution: what the gradient of a convolution by its input computes.

    Input (n, w, c), output (n, ow, filters), kernel (kw, filters, c), bias (filters,).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.Conv1DTranspose(1, 3, strides=2, kernel_initializer="ones")
        >>> layer(np.ones((1, 2, 1)))[0, :, 0]
        array([1., 1., 2., 1., 1.], dtype=float32)
    """

    rank = 1


@_described
class Conv2DTranspose(_ConvTranspose):
    """2D transposed convolution: what the gradient of a convolution by its input computes.

    Input (n, h, w, c), output (n, oh, ow, filters), kernel (kh, kw, filters, c), bias (filters,).

    Example:
        >>> import pycnn as keras
        >>> layer = keras.layers.Conv2DTranspose(8, 3, strides=2, padding="same")
        >>> layer.compute_output_shape((None, 14, 14, 4))
        (None, 28, 28, 8)
    """

    rank = 2


Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
