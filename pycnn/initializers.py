"""Initial values of weights, with Keras' names and formulas.

`fan_in` and `fan_out` of a kernel are its last two axes times the size of its receptive field (the axes
before). Sources: Glorot & Bengio 2010 (glorot), He et al. 2015 (he), LeCun et al. 1998 (lecun), Saxe et al.
2014 (orthogonal).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core import serialization
from pycnn.core.names import snake_case, unknown
from pycnn.core.seeds import checked_seed, next_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]

# Standard deviation of a standard normal distribution cut off at two: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
_TRUNCATED_STDDEV = 0.87962566103423978


class Initializer:
    """Base of all initializers: a callable from a shape to a float32 array.

    One object gives the same values each time it is called with one shape, as in Keras 3.

    Example:
        >>> import pycnn as keras
        >>> keras.initializers.Ones()((2, 2))
        array([[1., 1.],
               [1., 1.]], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> F32:
        """Values for a weight.

        Args:
            shape: the weight's shape.
            dtype: None or 'float32'.

        Returns:
            A new float32 array of that shape.
        """
        serialization.checked_dtype(dtype, type(self).__name__)
        return np.ascontiguousarray(self._values(tuple(shape)), np.float32)

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        raise NotImplementedError(f"{type(self).__name__} defines no values")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {}

    def __repr__(self) -> str:
        arguments = "".join(
            f" {name}={value!r}" for name, value in self.get_config().items() if "axes" not in name
        )
        return f"<{type(self).__name__}{arguments}>"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """The initializer that `get_config` described."""
        return cls(**config)


class Zeros(Initializer):
    """All zero."""

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.zeros(shape, np.float32)


class Ones(Initializer):
    """All one."""

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.ones(shape, np.float32)


class Constant(Initializer):
    """All `value`.

    Args:
        value: a number, or an array that broadcasts to the weight's shape.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.broadcast_to(np.asarray(self.value, np.float32), shape)

    def get_config(self) -> dict[str, Any]:
        value = self.value
        return {"value": value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value}


class _Random(Initializer):
    """An initializer that draws numbers, from its own seed or the next of `utils.set_random_seed`."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self._start = next_seed() if seed is None else checked_seed(seed)

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng(self._start)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


class RandomNormal(_Random):
    """Normal distribution.

    Args:
        mean: its mean.
        stddev: its standard deviation.
        seed: an integer, or None for a random one.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return self._generator().normal(self.mean, self.stddev, shape)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class TruncatedNormal(RandomNormal):
    """Normal distribution whose values further than two standard deviations from the mean are drawn again."""

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return _truncated_normal(self._generator(), shape) * self.stddev + self.mean


class RandomUniform(_Random):
    """Uniform distribution.

    Args:
        minval: lower end.
        maxval: upper end.
        seed: an integer, or None for a random one.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return self._generator().uniform(self.minval, self.maxval, shape)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class VarianceScaling(_Random):
    """Random numbers of variance scale / n, where n is the number of inputs, outputs, or the mean of both.

    Args:
        scale: positive factor.
        mode: 'fan_in', 'fan_out' or 'fan_avg': what n is.
        distribution: 'truncated_normal', 'untruncated_normal' or 'uniform'.
        seed: an integer, or None for a random one.
        input_axes: only None.
        output_axes: only None.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: None = None,
        output_axes: None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0:
            raise ValueError(f"`scale` is {scale!r}; expected a positive number")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise unknown("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        if distribution not in ("truncated_normal", "normal", "untruncated_normal", "uniform"):
            raise unknown("distribution", distribution, ("truncated_normal", "untruncated_normal", "uniform"))
        if input_axes is not None or output_axes is not None:
            raise ValueError("`input_axes` and `output_axes` are not supported; the last two axes are used")
        self.scale = scale
        self.mode = mode
        self.distribution = "truncated_normal" if distribution == "normal" else distribution

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return self._generator().uniform(-limit, limit, shape)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return self._generator().normal(0.0, stddev, shape)
        return _truncated_normal(self._generator(), shape) * (stddev / _TRUNCATED_STDDEV)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"seed": self.seed, "input_axes": None, "output_axes": None}
        if type(self) is VarianceScaling:
            config |= {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return config


class _Named(VarianceScaling):
    """A variance scaling whose parameters have a name of their own."""

    _parameters: tuple[float, str, str]

    def __init__(self, seed: int | None = None, input_axes: None = None, output_axes: None = None) -> None:
        super().__init__(*self._parameters, seed, input_axes, output_axes)


class GlorotUniform(_Named):
    """Uniform in ±sqrt(6 / (fan_in + fan_out))."""

    _parameters = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal with standard deviation sqrt(2 / (fan_in + fan_out))."""

    _parameters = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    """Uniform in ±sqrt(6 / fan_in)."""

    _parameters = (2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal with standard deviation sqrt(2 / fan_in)."""

    _parameters = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """Uniform in ±sqrt(3 / fan_in)."""

    _parameters = (1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated normal with standard deviation sqrt(1 / fan_in)."""

    _parameters = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_Random):
    """A random matrix with orthonormal rows or columns, reshaped: the last axis is one side of the matrix.

    Args:
        gain: factor of all values.
        seed: an integer, or None for a random one.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def _values(self, shape: tuple[int, ...]) -> NDArray[Any]:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a weight of at least two axes, not of shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q *= np.sign(np.diag(r))  # makes the decomposition unique, hence the distribution uniform
        return self.gain * (q if rows >= columns else q.T).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "seed": self.seed}


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Inputs and outputs of one element of a weight."""
    if len(shape) < 2:
        return (float(shape[0]),) * 2 if shape else (1.0, 1.0)
    field = math.prod(shape[:-2])
    return float(shape[-2] * field), float(shape[-1] * field)


def _truncated_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    values = generator.standard_normal(shape)
    outside = np.abs(values) > 2.0
    while outside.any():
        values[outside] = generator.standard_normal(int(outside.sum()))
        outside = np.abs(values) > 2.0
    return values


_CLASSES: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (
        Constant,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        LecunNormal,
        LecunUniform,
        Ones,
        Orthogonal,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        VarianceScaling,
        Zeros,
    )
}
_NAMES = {snake_case(name): cls for name, cls in _CLASSES.items()}
_ALIASES: dict[str, type[Initializer]] = {
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "one": Ones,
    "zero": Zeros,
}


def get(identifier: Any) -> Callable[..., Any]:
    """The initializer for a name, a class, an object, a description of one, or any function of a shape.

    Args:
        identifier: for instance 'he_normal', 'HeNormal', HeNormal, HeNormal(seed=1) or `serialize`'s dict.

    Returns:
        A callable from a shape to an array.

    Raises:
        ValueError: if there is no such initializer.

    Example:
        >>> import pycnn as keras
        >>> keras.initializers.get("glorot_uniform")
        <GlorotUniform seed=None>
    """
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, str):
        cls = _NAMES.get(identifier) or _CLASSES.get(identifier) or _ALIASES.get(identifier)
        if cls is None:
            raise unknown("initializer", identifier, _NAMES)
        return cls()
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if callable(identifier):
        return identifier  # type: ignore[no-any-return]
    raise unknown("initializer", identifier, _NAMES)


def serialize(initializer: Any) -> dict[str, Any]:
    """A description of an initializer of this module as plain data."""
    if type(initializer).__name__ not in _CLASSES:
        raise ValueError(f"{initializer!r} cannot be described; use one of {', '.join(_CLASSES)}")
    return serialization.serialize(initializer, "keras.initializers")


def deserialize(config: Any) -> Initializer:
    """The initializer that `serialize` described."""
    return serialization.deserialize(config, _CLASSES, "initializer")  # type: ignore[no-any-return]
