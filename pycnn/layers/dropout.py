"""Dropout, of single values or whole channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_int
from pycnn.core.data_format import checked_data_format
from pycnn.layers.random_noise import WithRate

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.operations.value import Value


class _Dropping(WithRate):
    """Noise of a shape of its own that drops what lies there with the probability `rate`."""

    def noise_sample(self, x: Value) -> tuple[tuple[int, ...], bool]:
        """The noise's shape without the batch axis, and whether every sample has its own."""
        return x.sample, x.is_batched

    def kept(self, ops: Any, x: Value) -> Value:
        """1 for what is kept, else 0."""
        from pycnn.core.operations.random import uniform

        kept: Value = ops.greater_equal(uniform(x, *self.noise_sample(x)), self.rate)
        return kept

    def compute(self, ops: Any, x: Value) -> Value:
        if self.rate == 1:
            return ops.zeros_like(x)  # type: ignore[no-any-return]
        y: Value = ops.where(self.kept(ops, x), ops.multiply(x, 1.0 / (1.0 - self.rate)), 0.0)
        return y


class _WithNoiseShape(_Dropping):
    """Noise whose shape may be given, with the batch axis first; None stands for the input's size."""

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None, seed: int | None, **kwargs: Any
    ) -> None:
        super().__init__(rate, seed, **kwargs)
        self.noise_shape = None if noise_shape is None else self._checked(noise_shape)

    def _checked(self, noise_shape: Any) -> tuple[int | None, ...]:
        name = f"{type(self).__name__}: noise_shape"
        if not isinstance(noise_shape, (tuple, list)):
            raise ValueError(f"{name} is {noise_shape!r}; expected a tuple of integers and None")
        return tuple(None if size is None else as_int(name, size, 1) for size in noise_shape)

    def noise_sample(self, x: Value) -> tuple[tuple[int, ...], bool]:
        if self.noise_shape is None:
            return super().noise_sample(x)
        shape = self.noise_shape
        batched = len(shape) == x.ndim
        sample = shape[1:] if batched else shape
        own = x.sample[len(x.sample) - len(sample) :]
        found = tuple(size if given is None else given for size, given in zip(own, sample, strict=False))
        fits = len(own) == len(sample) and all(n in (1, size) for n, size in zip(found, own, strict=True))
        if not fits or (batched and shape[0] not in (None, 1)):
            raise ValueError(
                f"Layer {self.name!r}: noise_shape {shape} does not fit its input of shape {x.shape}; "
                f"expected None for the batch axis, or 1 where all samples share the noise, then sizes of 1, "
                f"None or the input's"
            )
        return found, batched and shape[0] is None

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"noise_shape": self.noise_shape}


class Dropout(_WithNoiseShape):
    """In training, random values become zero and the others are multiplied by 1 / (1 - rate).

    Srivastava et al. 2014.

    Args:
        rate: fraction of the values that become zero, in [0, 1].
        noise_shape: shape of the mask, with the batch axis, None, first: (None, 1, 1, c) drops channels of
            images as a whole; 1 for the batch axis lets all samples share it. None for the input's.
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or the mask does not fit the input.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Dropout(0.5)([[1, 2]])  # nothing in inference
        array([[1., 2.]], dtype=float32)
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)

    @property
    def takes_further_axes(self) -> bool:
        return self.noise_shape is None

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        if self.noise_shape is not None or self.rate == 1:
            return super().lower(graph, *nodes)
        if not self.rate or graph.mode is False:
            return nodes[0]
        return graph.dropout(nodes[0], rate=self.rate, always=graph.mode is True, name=self.name)


class _SpatialDropout(_Dropping):
    """Dropout of whole channels, for samples of `rank` axes."""

    rank: int

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, seed, name=name, dtype=dtype)

    def noise_sample(self, x: Value) -> tuple[tuple[int, ...], bool]:
        return (*(1 for _ in x.sample[:-1]), x.sample[-1]), x.is_batched

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        shape = graph.shape(nodes[0])
        if len(shape) != self.rank:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects an input of {self.rank + 1} axes, the "
                f"channels last, but its input has shape {(None, *shape)}"
            )
        return super().lower(graph, *nodes)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences: input (n, steps, c). Tompson et al. 2015.

    Args:
        rate: fraction of the channels that become zero in training, in [0, 1].
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        name: None for an automatic one.
        dtype: as in Layer.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.SpatialDropout1D(0.5)([[[1, 2]]])  # nothing in inference
        array([[[1., 2.]]], dtype=float32)
    """

    rank = 2


class _SpatialDropoutOfMaps(_SpatialDropout):
    """Dropout of whole channels, with a `data_format`."""

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, seed, name, dtype)
        self.data_format = checked_data_format(type(self).__name__, data_format)
        if self.data_format != "channels_last":
            raise ValueError(
                f"{type(self).__name__}: data_format {self.data_format!r} is not supported; expected "
                f"'channels_last'"
            )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"data_format": self.data_format}


class SpatialDropout2D(_SpatialDropoutOfMaps):
    """Dropout of whole channels of images: input (n, h, w, c). Tompson et al. 2015.

    Args:
        rate: fraction of the channels that become zero in training, in [0, 1].
        data_format: None or 'channels_last'.
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        name: None for an automatic one.
        dtype: as in Layer.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.SpatialDropout2D(0.5)([[[[1, 2]]]])  # nothing in inference
        array([[[[1., 2.]]]], dtype=float32)
    """

    rank = 3


class SpatialDropout3D(_SpatialDropoutOfMaps):
    """Dropout of whole channels of volumes: input (n, d, h, w, c). Tompson et al. 2015.

    Args:
        rate: fraction of the channels that become zero in training, in [0, 1].
        data_format: None or 'channels_last'.
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        name: None for an automatic one.
        dtype: as in Layer.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.SpatialDropout3D(0.5)(np.ones((1, 1, 1, 1, 2))).ravel()  # nothing in inference
        array([1., 1.], dtype=float32)
    """

    rank = 4


class AlphaDropout(_WithNoiseShape):
    """Dropout to a negative value, and scaled so that mean and variance stay: for networks with selu.

    Klambauer et al. 2017.

    Args:
        rate: fraction of the values that are dropped in training, in [0, 1).
        noise_shape: as in Dropout.
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or the mask does not fit the input.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.AlphaDropout(0.5)([[1, 2]])  # nothing in inference
        array([[1., 2.]], dtype=float32)
    """

    may_be_one = False
    _LOWEST = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946  # selu's limit

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)

    def compute(self, ops: Any, x: Value) -> Value:
        factor = ((1 - self.rate) * (1 + self.rate * self._LOWEST**2)) ** -0.5
        kept = ops.where(self.kept(ops, x), x, self._LOWEST)
        y: Value = ops.subtract(ops.multiply(kept, factor), factor * self._LOWEST * self.rate)
        return y
