"""Inputs with mean 0 and variance 1, by statistics of the data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import initializers
from pycnn.core.layer import WeightSpec
from pycnn.layers.checks import checked_axes
from pycnn.layers.composed import Composed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.operations.value import Value

_SMALLEST = 1e-7  # standard deviation that is divided by


class Normalization(Composed):
    """(x - mean) / sqrt(variance), with a mean and a variance for each place along `axis`.

    They are given, or found by `adapt`; weights mean, variance and count are then part of the layer, and no
    training changes them.

    Args:
        axis: an axis or several, the batch axis, 0, counted; None for one mean and variance of all values.
        mean: numbers that broadcast along these axes, or None for `adapt`.
        variance: of the same shape.
        invert: whether it does the opposite, x * sqrt(variance) + mean.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> layer = keras.layers.Normalization()
        >>> layer.adapt(np.array([[0.0, 1.0], [2.0, 5.0]]))
        >>> layer([[2, 3]])
        array([[1., 0.]], dtype=float32)
    """

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        none = axis is None or (isinstance(axis, (list, tuple)) and not axis)
        checked = () if none else checked_axes("Normalization: axis", axis)
        self.axis = (checked,) if isinstance(checked, int) else tuple(checked)
        if 0 in self.axis:
            raise ValueError("Normalization: axis has 0, the batch axis; expected axes of a sample")
        self.invert = bool(invert)
        self.input_mean = None if mean is None else _numbers("mean", mean)
        self.input_variance = None if variance is None else _numbers("variance", variance)
        if (self.input_mean is None) != (self.input_variance is None):
            raise ValueError("Normalization: expected both `mean` and `variance`, or neither")
        shapes = [() if given is None else np.shape(given) for given in (mean, variance)]
        if mean is not None and (shapes[0] != shapes[1] or len(shapes[0]) > len(self.axis)):
            raise ValueError(
                f"Normalization: mean has shape {shapes[0]} and variance {shapes[1]}; expected one shape of "
                f"at most {len(self.axis)} axes"
            )

    def _places(self, shape: tuple[int, ...]) -> list[int]:
        """The axes of a sample that keep their own statistics."""
        rank = len(shape) + 1
        if any(not -rank <= axis < rank or axis % rank == 0 for axis in self.axis):
            raise ValueError(
                f"Layer {self.name!r}: axis {self.axis} is none of a sample of its input of shape "
                f"{(None, *shape)}"
            )
        return sorted(axis % rank - 1 for axis in self.axis)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        kept = tuple(input_shape[place] for place in self._places(input_shape))
        if self.input_mean is not None:
            np.broadcast_shapes(self.input_mean.shape, kept)
            return []
        zeros, ones = initializers.get("zeros"), initializers.get("ones")
        return [
            WeightSpec("mean", kept, zeros, trainable=False),
            WeightSpec("variance", kept, ones, trainable=False),
            WeightSpec("count", (), zeros, trainable=False),
        ]

    @property
    def has_weights(self) -> bool:
        return self.input_mean is None

    def adapt(self, data: Any) -> None:
        """Sets mean and variance to those of data.

        Args:
            data: an array with the batch axis first, or something that gives such arrays, batch by batch, or
                pairs of them and targets.

        Raises:
            TypeError, ValueError: if there are no real numbers, if the layer has a mean and variance already
                that were given to it, or weights for another shape.
        """
        if self.input_mean is not None:
            raise ValueError(
                f"Layer {self.name!r} was given its mean and variance, so there is nothing to adapt"
            )
        batches = [data] if hasattr(data, "__array__") else data
        if not isinstance(batches, Iterable):
            raise TypeError(f"adapt of {self.name!r}: data is {data!r:.200}; expected an array, or batches")
        count, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in batches:
            x = _numbers("data", batch[0] if isinstance(batch, (tuple, list)) else batch)
            if x.ndim < 1 or not x.size:
                raise ValueError(f"adapt of {self.name!r}: data has shape {x.shape}; expected samples")
            self.build((None, *x.shape[1:]))
            kept = [place + 1 for place in self._places(x.shape[1:])]
            others = tuple(axis for axis in range(x.ndim) if axis not in kept)
            size = math.prod(x.shape[axis] for axis in others)
            new_mean, new_variance = x.mean(others), x.var(others)
            share = size / (count + size)
            # Of the whole: the mean variance of the parts, and that of their means. Chan et al. 1979.
            variance = (
                (1 - share) * variance + share * new_variance + share * (1 - share) * (new_mean - mean) ** 2
            )
            mean = (1 - share) * mean + share * new_mean
            count += size
        if not count:
            raise ValueError(f"adapt of {self.name!r}: there are no batches in the data")
        self.set_weights([mean, variance, 0])

    def finalize_state(self) -> None:
        """Has no effect: what `adapt` or a file sets counts from the next call on."""

    def compute(self, ops: Any, x: Value) -> Value:
        shape = [1] * len(x.sample)
        places = self._places(x.sample)
        for place in places:
            shape[place] = x.sample[place]

        def statistic(given: NDArray[np.float64] | None, name: str) -> Any:
            if given is None:
                return ops.reshape(self.value_of(getattr(self, name), x), shape)
            kept = [x.sample[place] for place in places]
            return x.constant(np.broadcast_to(given, kept).reshape(shape))

        mean, variance = statistic(self.input_mean, "mean"), statistic(self.input_variance, "variance")
        deviation = ops.maximum(ops.sqrt(variance), _SMALLEST)
        if self.invert:
            y: Value = ops.add(mean, ops.multiply(x, deviation))
        else:
            y = ops.divide(ops.subtract(x, mean), deviation)
        return y

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "axis": self.axis,
            "invert": self.invert,
            "mean": None if self.input_mean is None else self.input_mean.tolist(),
            "variance": None if self.input_variance is None else self.input_variance.tolist(),
        }


def _numbers(name: str, value: Any) -> NDArray[np.float64]:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"Normalization: {name} is {value!r:.200}; expected real numbers")
    return array.astype(np.float64)
