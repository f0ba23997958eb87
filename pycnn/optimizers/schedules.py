"""Learning rates that depend on the number of steps done, with Keras' names and formulas.

Each is called with a number of steps, from 0, and gives the rate of the step that follows. s is the step, a
the first rate, d `decay_steps`, r `decay_rate`.

Example:
    >>> import pycnn as keras
    >>> rate = keras.optimizers.schedules.CosineDecay(0.1, decay_steps=100)
    >>> rate(0), rate(50), rate(100)
    (0.1, 0.05, 0.0)
    >>> optimizer = keras.optimizers.SGD(rate)
    >>> optimizer.learning_rate
    0.1
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pycnn.core.arguments import as_number
from pycnn.core.finding import Finder

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


class LearningRateSchedule:
    """Base of the schedules; those of your own define `__call__` and, to be saved, `get_config`.

    Example:
        >>> import pycnn as keras
        >>> class Warm(keras.optimizers.schedules.LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.01 * min(1.0, (step + 1) / 10)
        >>> keras.optimizers.SGD(Warm()).learning_rate
        0.001
    """

    def __call__(self, step: Any) -> Any:
        """The rate of the step that follows after so many."""
        raise NotImplementedError(f"{type(self).__name__} has no `__call__`")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        raise NotImplementedError(f"{type(self).__name__} has no `get_config`, so it cannot be saved")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The schedule that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class _Numbers(LearningRateSchedule):
    """A schedule whose arguments are numbers, kept under their names. Arrays of steps give arrays."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__call__ = _of_each(cls.__call__)  # type: ignore[method-assign]

    def _take(self, name: str | None, **numbers: Any) -> None:
        owner = type(self).__name__
        self.name = name or owner
        self._arguments = numbers
        for key, value in numbers.items():
            if value is not None and not isinstance(value, bool):
                as_number(f"{owner}: {key}", value)
            if key.endswith("decay_steps") and value <= 0:
                raise ValueError(f"Argument `{key}` must be > 0. Received: {key}={value}")

    def __getattr__(self, name: str) -> Any:
        arguments = self.__dict__.get("_arguments", {})
        if name in arguments:
            return arguments[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def get_config(self) -> dict[str, Any]:
        return self._arguments | {"name": self.name}


def _of_each(call: Callable[..., float]) -> Callable[..., Any]:
    """The rate of a step, or those of an array of steps."""

    @functools.wraps(call)
    def rates(self: Any, step: Any) -> Any:
        if np.ndim(step) == 0:
            return call(self, step)
        steps = np.asarray(step)
        return np.array([call(self, one) for one in steps.ravel()], np.float32).reshape(steps.shape)

    return rates


class ExponentialDecay(_Numbers):
    """a * r^(s / d); with `staircase` the exponent is rounded down.

    Args:
        initial_learning_rate: a.
        decay_steps: d, above 0.
        decay_rate: r.
        staircase: whether the rate changes only after whole multiples of d.
        name: of the schedule.

    Raises:
        TypeError, ValueError: if an argument is no such number.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self._take(
            name,
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            decay_rate=decay_rate,
            staircase=bool(staircase),
        )

    def __call__(self, step: Any) -> float:
        exponent = float(step) / self.decay_steps
        rate = self.decay_rate ** (math.floor(exponent) if self.staircase else exponent)
        return float(self.initial_learning_rate * rate)


class InverseTimeDecay(_Numbers):
    """a / (1 + r * s / d); with `staircase` the fraction is rounded down.

    Args:
        initial_learning_rate: a.
        decay_steps: d, above 0.
        decay_rate: r.
        staircase: whether the rate changes only after whole multiples of d.
        name: of the schedule.

    Raises:
        TypeError, ValueError: if an argument is no such number.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self._take(
            name,
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            decay_rate=decay_rate,
            staircase=bool(staircase),
        )

    def __call__(self, step: Any) -> float:
        fraction = float(step) / self.decay_steps
        fraction = math.floor(fraction) if self.staircase else fraction
        return float(self.initial_learning_rate / (1.0 + self.decay_rate * fraction))


class PolynomialDecay(_Numbers):
    """(a - end) * (1 - min(s, d) / d)^power + end.

    Args:
        initial_learning_rate: a.
        decay_steps: d, above 0.
        end_learning_rate: end.
        power: of the polynomial.
        cycle: whether d becomes its next multiple once s is past it, instead of the rate staying at the end.
        name: of the schedule.

    Raises:
        TypeError, ValueError: if an argument is no such number.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self._take(
            name,
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            end_learning_rate=end_learning_rate,
            power=power,
            cycle=bool(cycle),
        )

    def __call__(self, step: Any) -> float:
        s, d, end = float(step), self.decay_steps, self.end_learning_rate
        if self.cycle:
            d *= max(1, math.ceil(s / d))
        rest = 1.0 - min(s, d) / d
        return float((self.initial_learning_rate - end) * rest**self.power + end)


class CosineDecay(_Numbers):
    """A rise to `warmup_target`, where there is one, then half a cosine down to alpha times that.

    In d steps after the warm-up, w * ((1 - alpha) * (1 + cos(pi * s / d)) / 2 + alpha), where w is the
    target, or a without one. The rise is a straight line from a. Loshchilov & Hutter 2017.

    Args:
        initial_learning_rate: a.
        decay_steps: d, above 0, the warm-up not counted.
        alpha: the last rate, as a fraction of w.
        name: of the schedule.
        warmup_target: the rate after the warm-up; None for no warm-up.
        warmup_steps: how many steps it takes.

    Raises:
        TypeError, ValueError: if an argument is no such number.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self._take(
            name,
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            alpha=alpha,
            warmup_target=warmup_target,
            warmup_steps=warmup_steps,
        )

    def __call__(self, step: Any) -> float:
        first, target, warmup = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        s = float(step)
        if target is None:
            warmup, target = 0, first
        if s < warmup:
            return float(first + (target - first) * s / warmup)
        return float(target * _cosine(min(s - warmup, self.decay_steps) / self.decay_steps, self.alpha))


class CosineDecayRestarts(_Numbers):
    """Half cosines down, one after another, each longer and lower by a factor. Loshchilov & Hutter 2017.

    Args:
        initial_learning_rate: a.
        first_decay_steps: steps of the first one, above 0.
        t_mul: how much longer each is than the one before.
        m_mul: its first rate as a fraction of that of the one before.
        alpha: its last rate, as a fraction of a.
        name: of the schedule.

    Raises:
        TypeError, ValueError: if an argument is no such number.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self._take(
            name,
            initial_learning_rate=initial_learning_rate,
            first_decay_steps=first_decay_steps,
            t_mul=t_mul,
            m_mul=m_mul,
            alpha=alpha,
        )

    def __call__(self, step: Any) -> float:
        fraction, t = float(step) / self.first_decay_steps, self.t_mul
        if t == 1.0:
            restarts = math.floor(fraction)
            fraction -= restarts
        else:
            restarts = math.floor(math.log(1.0 - fraction * (1.0 - t)) / math.log(t))
            fraction = (fraction - (1.0 - t**restarts) / (1.0 - t)) / t**restarts
        scale = self.m_mul**restarts
        return float(
            self.initial_learning_rate * ((1.0 - self.alpha) * scale * _cosine(fraction, 0.0) + self.alpha)
        )


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including step boundaries[0], then values[1], and so on.

    Args:
        boundaries: steps, increasing.
        values: rates, one more.
        name: of the schedule.

    Raises:
        TypeError, ValueError: if the numbers of boundaries and values do not fit, or one is no number.
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        self.boundaries, self.values = list(boundaries), list(values)
        self.name = name
        if len(self.boundaries) != len(self.values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: {len(self.boundaries)} `boundaries` and {len(self.values)} "
                f"`values`; "
                f"expected one more value than boundaries"
            )
        for value in self.boundaries + self.values:
            as_number("PiecewiseConstantDecay: a boundary or value", value)

    def __call__(self, step: Any) -> float:
        return float(self.values[sum(float(step) > boundary for boundary in self.boundaries)])

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


def _cosine(fraction: float, alpha: float) -> float:
    return (1.0 - alpha) * 0.5 * (1.0 + math.cos(math.pi * fraction)) + alpha


_finder = Finder(
    "learning rate schedule",
    "keras.optimizers.schedules",
    LearningRateSchedule,
    (
        CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay,
        PolynomialDecay,
    ),
)  # fmt: skip


def serialize(learning_rate_schedule: Any) -> Any:
    """A description of a schedule, or of a function, as plain data."""
    return _finder.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The schedule that `serialize` described; `custom_objects` names classes and functions of your own."""
    return _finder.deserialize(config, custom_objects)
