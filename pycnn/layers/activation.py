"""Activations as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import activations, constraints, initializers, regularizers
from pycnn.activations.operation import is_along_last_axis
from pycnn.activations.operation import lower as lower_activation
from pycnn.core.arguments import as_int, as_number
from pycnn.core.layer import Layer, WeightSpec
from pycnn.layers.checks import checked_axes, is_last_axis, not_negative, sample_axis
from pycnn.layers.composed import Composed, on_last_axis

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.operations.value import Value
    from pycnn.core.variable import Variable


class Activation(Layer):
    """An activation function.

    Args:
        activation: name, function, layer or None.
        kwargs: name, trainable, input_shape.

    Raises:
        ValueError: if there is no such activation.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Activation("relu")([[-1, 1]])
        array([[0., 1.]], dtype=float32)
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    @property
    def takes_further_axes(self) -> bool:
        return is_along_last_axis(self.activation)

    def lower(self, graph: Blueprint, node: int) -> int:
        return lower_activation(self.activation, graph, node, self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"activation": activations.serialize(self.activation)}


class ReLU(Layer):
    """max_value where x >= max_value, x where x > threshold, else negative_slope * (x - threshold).

    Args:
        max_value: upper limit, at least 0, or None.
        negative_slope: slope below the threshold, at least 0.
        threshold: at least 0.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument is not such a number.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.ReLU(max_value=6, negative_slope=0.5)([[-1, 1, 9]])
        array([[-0.5,  1. ,  6. ]], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else not_negative("ReLU: max_value", max_value)
        self.negative_slope = not_negative("ReLU: negative_slope", negative_slope)
        self.threshold = not_negative("ReLU: threshold", threshold)

    @property
    def takes_further_axes(self) -> bool:
        return True

    def lower(self, graph: Blueprint, node: int) -> int:
        limit = {} if self.max_value is None else {"max_value": self.max_value}
        return graph.activation(
            node, "relu", alpha=self.negative_slope, threshold=self.threshold, name=self.name, **limit
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(Layer):
    """x where x > 0, else negative_slope * x.

    Args:
        negative_slope: at least 0. Old programs call it `alpha`.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if the slope is not such a number.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.LeakyReLU(0.5)([[-1, 1]])
        array([[-0.5,  1. ]], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        self.negative_slope = not_negative("LeakyReLU: negative_slope", negative_slope)

    @property
    def takes_further_axes(self) -> bool:
        return True

    def lower(self, graph: Blueprint, node: int) -> int:
        return graph.activation(node, "leaky_relu", alpha=self.negative_slope, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"negative_slope": self.negative_slope}


class ELU(Layer):
    """x where x > 0, else alpha * (exp(x) - 1). Clevert et al. 2016.

    Args:
        alpha: limit of the negative values.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if alpha is not a number.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.ELU()([[0, 1]])
        array([[0., 1.]], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = as_number("ELU: alpha", alpha)

    @property
    def takes_further_axes(self) -> bool:
        return True

    def lower(self, graph: Blueprint, node: int) -> int:
        return graph.activation(node, "elu", alpha=self.alpha, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"alpha": self.alpha}


class PReLU(Composed):
    """x where x > 0, else alpha * x, where every place of a sample learns its own alpha. He et al. 2015.

    One weight, alpha, of a sample's shape, with size 1 on the axes in `shared_axes`.

    Args:
        alpha_initializer: name or object.
        alpha_regularizer: name, object or function, or None, as the constraint.
        alpha_constraint: see there.
        shared_axes: an axis or a list of them, from 1, along which alpha is the same: [1, 2] for one slope
            for each channel of an image; None for none.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or the input has no such axis.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.PReLU("ones")([[-1, 2]])
        array([[-1.,  2.]], dtype=float32)
    """

    alpha: Variable

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes
        self.shared_axes = None if axes is None else [as_int("PReLU: shared_axes", axis, 1) for axis in axes]

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        shape = list(input_shape)
        for axis in self.shared_axes or ():
            shape[sample_axis(self, axis, input_shape)] = 1
        return [
            WeightSpec(
                "alpha",
                tuple(shape),
                self.alpha_initializer,
                True,
                self.alpha_regularizer,
                self.alpha_constraint,
            )
        ]

    def compute(self, ops: Any, x: Value) -> Value:
        alpha = self.value_of(self.alpha, x)
        y: Value = ops.subtract(ops.relu(x), ops.multiply(alpha, ops.relu(ops.negative(x))))
        return y

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


class Softmax(Composed):
    """exp(x) / sum of exp(x), along an axis or several.

    Called with `mask=`, an array or symbol that broadcasts against x, it leaves out where the mask is 0: the
    result is 0 there.

    Args:
        axis: an axis or a list of them, the batch axis, 0, counted.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an axis is no integer, the input has no such axis, or the mask does not fit.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.Softmax()([[1, 1]])
        array([[0.5, 0.5]], dtype=float32)
        >>> keras.layers.Softmax()(np.ones((1, 2)), mask=np.array([[True, False]]))
        array([[1., 0.]], dtype=float32)
    """

    call_inputs = ("mask",)

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = checked_axes("Softmax: axis", axis)

    @property
    def takes_further_axes(self) -> bool:
        return is_last_axis(self.axis)

    def _build(self, *shapes: tuple[int, ...]) -> None:
        self.built = True

    def compute(self, ops: Any, *inputs: Value) -> Value:
        x = inputs[0]
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        for axis in axes:
            sample_axis(self, axis, x.sample)
        kept = ops.greater(inputs[1], 0.5) if len(inputs) > 1 else None
        if kept is not None:
            if np.broadcast_shapes(kept.sample, x.sample) != x.sample:
                raise ValueError(
                    f"Layer {self.name!r}: a mask of shape {kept.shape} does not broadcast to its input of "
                    f"shape {x.shape}"
                )
            x = ops.where(kept, x, -1e9)
        if len(axes) == 1:
            y: Value = ops.softmax(x, axes[0])
        else:
            y = ops.exp(ops.subtract(x, ops.logsumexp(x, axes, True)))
        return y if kept is None else ops.where(kept, y, 0.0)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axis": self.axis}


class Maxout(Layer):
    """The maximum of neighbouring channels, as in TensorFlow Addons. Goodfellow et al. 2013.

    Input (n, ..., c), output (n, ..., num_units): output j is the maximum of channels j * k to (j + 1) * k -
    1, where k = c / num_units.

    Args:
        num_units: number of outputs; the number of input channels must be a multiple of it.
        axis: that of the channels, the batch axis, 0, counted.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Maxout(2)([[1, 2, 3, 0]])
        array([[2., 3.]], dtype=float32)
    """

    def __init__(self, num_units: int, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_units = as_int("Maxout: num_units", num_units, 1)
        self.axis = as_int("Maxout: axis", axis, -(2**31))

    def lower(self, graph: Blueprint, node: int) -> int:
        shape = graph.shape(node)
        channels = shape[sample_axis(self, self.axis, shape)]
        if channels % self.num_units:
            raise ValueError(
                f"Layer {self.name!r}: {channels} input channels are not a multiple of num_units "
                f"{self.num_units}"
            )
        pieces = channels // self.num_units
        return on_last_axis(
            self, graph, node, self.axis, lambda last: graph.maxout(last, pieces=pieces, name=self.name)
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"num_units": self.num_units, "axis": self.axis}
