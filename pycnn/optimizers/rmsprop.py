"""RMSprop."""

from __future__ import annotations

import math
from typing import Any

from pycnn.optimizers.base import Optimizer, clipping


class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient. Tieleman & Hinton 2012.

    v = rho * v + (1 - rho) g^2; w -= a g / sqrt(v + epsilon). Centered: sqrt(v - mean^2 + epsilon), mean the
    running mean of g. With momentum: m = momentum * m + that step; w -= m.

    Args:
        learning_rate: a.
        rho: in [0, 1].
        momentum: in [0, 1].
        epsilon: at least 0.
        centered: whether the gradient's mean is subtracted.
        weight_decay: at least 0; None for 0.
        name: None for an automatic one.
        kwargs: see `Optimizer`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.RMSprop()
        <RMSprop learning_rate=0.001>
    """

    kind = "rmsprop"
    saved_slots = (("velocity",), ("momentum",), ("average_gradient",))

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs |= clipping(clipnorm, clipvalue, global_clipnorm)
        super().__init__(learning_rate, weight_decay, name, **kwargs)
        self.rho = self._number("rho", rho, 0.0, 1.0)
        self.momentum = self._number("momentum", momentum, 0.0, 1.0)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)
        self.centered = bool(centered)

    def options(self) -> dict[str, float]:
        return super().options() | {
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": float(self.centered),
        }

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
