"""RMSprop."""

from __future__ import annotations

import math
from typing import Any

from pycnn.optimizers.base import Optimizer


class RMSprop(Optimizer):
    """Gradients divided by a running root mean square of themselves. Tieleman & Hinton 2012.

    v = rho v + (1 - rho) g^2; w -= a g / sqrt(v + epsilon). centered: v minus the square of the running mean
    gradient instead of v. With momentum the steps are summed up: m = momentum * m + step; w -= m.

    Args:
        learning_rate: a.
        rho: in [0, 1].
        momentum: in [0, 1].
        epsilon: at least 0.
        centered: whether the running mean gradient is subtracted. Graves 2013.
        common: in this order: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name; see `Optimizer`.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.RMSprop()
        <RMSprop learning_rate=0.001>
    """

    kind = "rmsprop"
    settings = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *common, **kwargs)
        self.rho = self._number("rho", rho, 0.0, 1.0)
        self.momentum = self._number("momentum", momentum, 0.0, 1.0)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)
        self.centered = bool(centered)
