"""Normalization of each sample by its own statistics: the same in training and inference."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from pycnn import initializers
from pycnn.core.arguments import as_int
from pycnn.core.layer import WeightSpec
from pycnn.layers.affine import Affine
from pycnn.layers.checks import checked_axes, is_last_axis, not_negative, sample_axis
from pycnn.layers.composed import Composed

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value
    from pycnn.core.variable import Variable


class _OverAxes(Composed):
    """What normalizes over the axes in `axis`, a number or a list, whose sizes are its weights' shape."""

    axis: int | list[int]

    @property
    def takes_further_axes(self) -> bool:
        return is_last_axis(self.axis)

    def shape_over_axes(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The sizes of the axes, in rising order of their numbers, which are a list from then on."""
        axes = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        found = [sample_axis(self, axis, input_shape) for axis in axes]
        if len(set(found)) < len(found):
            raise ValueError(f"Layer {self.name!r}: axis is {self.axis}; an axis of its input comes twice")
        self.axis = axes
        return tuple(input_shape[axis] for axis in found)


class LayerNormalization(_OverAxes, Affine):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of each place over `axis`.

    Ba et al. 2016. Weights gamma and beta, of the sizes of those axes.

    Args:
        axis: an axis or a list of them, the batch axis, 0, counted.
        epsilon: at least 0, keeps the square root away from zero.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer: name or object, as that of gamma.
        beta_regularizer: name, object or function, or None, as all regularizers and constraints.
        kwargs: name, trainable, input_shape. `rms_scaling`: gamma * x / sqrt(variance + epsilon) instead, of
            which Keras says that it is deprecated.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.LayerNormalization(epsilon=1e-12)([[1, 3]])
        array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int | list[int] | tuple[int, ...] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        self.rms_scaling = bool(kwargs.pop("rms_scaling", False))
        if self.rms_scaling:
            warnings.warn(
                "LayerNormalization: rms_scaling=True is deprecated, as it divides by the standard "
                "deviation; use keras.layers.RMSNormalization",
                stacklevel=2,
            )
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.axis = checked_axes("LayerNormalization: axis", axis)

    @property
    def has_gamma(self) -> bool:
        return self.scale or self.rms_scaling

    @property
    def has_beta(self) -> bool:
        return self.center and not self.rms_scaling

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        return self.affine_specs(self.shape_over_axes(input_shape))

    def compute(self, ops: Any, x: Value) -> Value:
        gamma = None if self.gamma is None else self.value_of(self.gamma, x)
        beta = None if self.beta is None else self.value_of(self.beta, x)
        if not self.rms_scaling:
            y: Value = ops.layer_normalization(x, gamma, beta, self.axis, self.epsilon)
            return y
        inverse = ops.rsqrt(ops.add(ops.var(x, self.axis, True), self.epsilon))
        shape = [1] * len(x.sample)
        for axis in self.axis if isinstance(self.axis, list) else [self.axis]:
            place = sample_axis(self, axis, x.sample)
            shape[place] = x.sample[place]
        y = ops.multiply(ops.multiply(x, inverse), ops.reshape(gamma, shape))
        return y

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axis": self.axis, "rms_scaling": self.rms_scaling}


class GroupNormalization(Composed, Affine):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of groups of channels.

    Wu & He 2018. Weights gamma and beta of shape (channels,).

    Args:
        groups: how many groups of neighbouring channels; -1 for one for each channel.
        axis: that of the channels, the batch axis, 0, counted.
        epsilon: at least 0, keeps the square root away from zero.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer: name or object, as that of gamma.
        beta_regularizer: name, object or function, or None, as all regularizers and constraints.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or the groups do not divide the
            channels.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.GroupNormalization(2, epsilon=1e-12)([[1, 3, 5, 9]])
        array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.groups = as_int("GroupNormalization: groups", groups, -1)
        self.axis = as_int("GroupNormalization: axis", axis, -(2**31))
        if self.groups == 0:
            raise ValueError("GroupNormalization: groups is 0; expected a positive number, or -1")

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        channels = input_shape[sample_axis(self, self.axis, input_shape)]
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.name!r}: {self.groups} groups do not divide the {channels} channels of axis "
                f"{self.axis} of its input of shape {(None, *input_shape)}"
            )
        return self.affine_specs((channels,))

    def compute(self, ops: Any, x: Value) -> Value:
        from pycnn.core.operations.normalization import scaled, standardized

        place = sample_axis(self, self.axis, x.sample) + 1
        shape = (*x.sample[: place - 1], self.groups, x.sample[place - 1] // self.groups, *x.sample[place:])
        grouped = ops.reshape(x, (None, *shape))
        before, after = tuple(range(1, place)), tuple(range(place + 1, grouped.ndim))
        y = standardized(grouped, before, self.epsilon, after)
        gamma = None if self.gamma is None else self.value_of(self.gamma, x)
        beta = None if self.beta is None else self.value_of(self.beta, x)
        result: Value = ops.reshape(scaled(y, gamma, beta, (place, place + 1)), (None, *x.sample))
        return result

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"groups": self.groups, "axis": self.axis}


class RMSNormalization(_OverAxes):
    """scale * x / sqrt(mean(x^2) + epsilon), with the mean of each place over `axis`.

    Zhang & Sennrich 2019. One weight, scale, of the sizes of those axes.

    Args:
        axis: an axis or a list of them, the batch axis, 0, counted.
        epsilon: at least 0, keeps the square root away from zero.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.RMSNormalization(epsilon=1e-12)([[3, -3]])
        array([[ 1., -1.]], dtype=float32)
    """

    scale: Variable

    def __init__(
        self, axis: int | list[int] | tuple[int, ...] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = checked_axes("RMSNormalization: axis", axis)
        self.epsilon = not_negative("RMSNormalization: epsilon", epsilon)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        return [WeightSpec("scale", self.shape_over_axes(input_shape), initializers.get("ones"))]

    def compute(self, ops: Any, x: Value) -> Value:
        y: Value = ops.rms_normalization(x, self.value_of(self.scale, x), self.axis, self.epsilon)
        return y

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Composed):
    """x divided by its length, the root of the sum of squares, over `axis`.

    Args:
        axis: an axis or a list of them, the batch axis, 0, counted.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an axis is no integer, or the input has no such axis.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.UnitNormalization()([[3, 0]])
        array([[1., 0.]], dtype=float32)
    """

    def __init__(self, axis: int | list[int] | tuple[int, ...] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = checked_axes("UnitNormalization: axis", axis)

    def compute(self, ops: Any, x: Value) -> Value:
        for axis in self.axis if isinstance(self.axis, list) else [self.axis]:
            sample_axis(self, axis, x.sample)
        y: Value = ops.normalize(x, self.axis, 2, 1e-12)
        return y

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axis": self.axis}
