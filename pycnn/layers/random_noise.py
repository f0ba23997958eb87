"""Layers that change their input randomly in training: what they share, and noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import as_number
from pycnn.core.seeds import checked_seed, next_seed
from pycnn.layers.composed import Composed

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.operations.value import Value


class Noise(Composed):
    """What changes its input randomly in training; `compute` says how.

    Args:
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        kwargs: name, trainable, input_shape.
    """

    def __init__(self, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.actual_seed = next_seed() if seed is None else checked_seed(seed)

    @property
    def strength(self) -> float:
        """0 where there is nothing to do."""
        raise NotImplementedError

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        return super().lower(graph, *nodes) if self.strength and graph.phase() else nodes[0]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"seed": self.seed}


class WithRate(Noise):
    """Noise whose strength is a `rate`."""

    may_be_one = True

    def __init__(self, rate: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = _from_0_to_1(f"{type(self).__name__}: rate", rate)
        if self.rate == 1 and not self.may_be_one:
            raise ValueError(f"{type(self).__name__}: rate is {rate!r}; expected a number below 1")

    @property
    def strength(self) -> float:
        return self.rate

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rate": self.rate}


class GaussianDropout(WithRate):
    """In training, x times normal numbers of mean 1 and standard deviation sqrt(rate / (1 - rate)).

    Srivastava et al. 2014, section 10.

    Args:
        rate: as in Dropout, in [0, 1).
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.GaussianDropout(0.5)([[1, 2]])  # nothing in inference
        array([[1., 2.]], dtype=float32)
    """

    may_be_one = False

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed, **kwargs)

    def compute(self, ops: Any, x: Value) -> Value:
        from pycnn.core.operations.random import normal

        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        y: Value = ops.multiply(x, ops.add(ops.multiply(normal(x), stddev), 1.0))
        return y


class GaussianNoise(Noise):
    """In training, x plus normal numbers of mean 0.

    Args:
        stddev: their standard deviation, in [0, 1].
        seed: an integer, or None for one that follows from `keras.utils.set_random_seed`.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.GaussianNoise(0.5)([[1, 2]])  # nothing in inference
        array([[1., 2.]], dtype=float32)
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.stddev = _from_0_to_1("GaussianNoise: stddev", stddev)

    @property
    def strength(self) -> float:
        return self.stddev

    def compute(self, ops: Any, x: Value) -> Value:
        from pycnn.core.operations.random import normal

        y: Value = ops.add(x, ops.multiply(normal(x), self.stddev))
        return y

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"stddev": self.stddev}


def _from_0_to_1(name: str, value: object) -> float:
    number = as_number(name, value)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is {value!r}; expected a number from 0 to 1")
    return number
