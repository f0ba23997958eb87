"""Activations as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn import activations
from pycnn.activations.operation import lower as lower_activation
from pycnn.core.arguments import as_int, as_number
from pycnn.core.layer import Layer

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint


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
        self.max_value = None if max_value is None else _not_negative("ReLU: max_value", max_value)
        self.negative_slope = _not_negative("ReLU: negative_slope", negative_slope)
        self.threshold = _not_negative("ReLU: threshold", threshold)

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
        self.negative_slope = _not_negative("LeakyReLU: negative_slope", negative_slope)

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

    def lower(self, graph: Blueprint, node: int) -> int:
        return graph.activation(node, "elu", alpha=self.alpha, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"alpha": self.alpha}


class Softmax(Layer):
    """exp(x) / sum of exp(x), along the last axis.

    Args:
        axis: -1, or the number of the last axis, the batch axis counted.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if the axis is another one.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Softmax()([[1, 1]])
        array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = as_int("Softmax: axis", axis, -1)

    def lower(self, graph: Blueprint, node: int) -> int:
        check_last_axis(self, self.axis, graph.shape(node))
        return graph.softmax(node, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axis": self.axis}


class Maxout(Layer):
    """The maximum of neighbouring channels, as in TensorFlow Addons. Goodfellow et al. 2013.

    Input (n, ..., c), output (n, ..., num_units): output j is the maximum of channels j * k to (j + 1) * k -
    1, where k = c / num_units.

    Args:
        num_units: number of outputs; the number of input channels must be a multiple of it.
        axis: -1, or the number of the last axis, the batch axis counted.
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
        self.axis = as_int("Maxout: axis", axis, -1)

    def lower(self, graph: Blueprint, node: int) -> int:
        shape = graph.shape(node)
        check_last_axis(self, self.axis, shape)
        if shape[-1] % self.num_units:
            raise ValueError(
                f"Layer {self.name!r}: {shape[-1]} input channels are not a multiple of num_units "
                f"{self.num_units}"
            )
        return graph.maxout(node, pieces=shape[-1] // self.num_units, name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"num_units": self.num_units, "axis": self.axis}


def check_last_axis(layer: Layer, axis: int, shape: tuple[int, ...]) -> None:
    """ValueError unless `axis`, counted with the batch axis, is the last one."""
    if axis not in (-1, len(shape)):
        raise ValueError(
            f"Layer {layer.name!r} works along the last axis (-1 or {len(shape)}) of its input of shape "
            f"{(None, *shape)}, not along axis {axis}"
        )


def _not_negative(name: str, value: object) -> float:
    number = as_number(name, value)
    if number < 0:
        raise ValueError(f"{name} is {number}; expected at least 0")
    return number
