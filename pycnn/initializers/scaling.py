"""Random numbers whose variance depends on the number of inputs and outputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pycnn.core.names import unknown
from pycnn.core.seed_generator import truncated_normal_values
from pycnn.initializers.random import Random

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Standard deviation of a standard normal distribution cut off at two: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(Random):
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
        return truncated_normal_values(self._generator(), shape) * (stddev / _TRUNCATED_STDDEV)

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


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Inputs and outputs of one element of a weight."""
    if len(shape) < 2:
        return (float(shape[0]),) * 2 if shape else (1.0, 1.0)
    field = math.prod(shape[:-2])
    return float(shape[-2] * field), float(shape[-1] * field)


glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
variance_scaling = VarianceScaling
