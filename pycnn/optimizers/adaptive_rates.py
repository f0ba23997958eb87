"""Adagrad and Adadelta: gradients divided by the size of those before."""

from __future__ import annotations

import math
from typing import Any

from pycnn.optimizers.base import Optimizer


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of their squares so far. Duchi et al. 2011.

    s += g^2; w -= a g / sqrt(s + epsilon).

    Args:
        learning_rate: a.
        initial_accumulator_value: what s begins with, at least 0.
        epsilon: at least 0.
        common: in this order: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name; see `Optimizer`.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.Adagrad(0.1)
        <Adagrad learning_rate=0.1>
    """

    kind = "adagrad"
    settings = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *common, **kwargs)
        self.initial_accumulator_value = self._number(
            "initial_accumulator_value", initial_accumulator_value, 0.0, math.inf
        )
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)


class Adadelta(Optimizer):
    """Gradients divided by their running size, and times that of the steps before. Zeiler 2012.

    s = rho s + (1 - rho) g^2; d = sqrt(u + epsilon) / sqrt(s + epsilon) g; u = rho u + (1 - rho) d^2;
    w -= a d. The paper's a is 1.

    Args:
        learning_rate: a.
        rho: in [0, 1].
        epsilon: at least 0.
        common: in this order: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name; see `Optimizer`.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.Adadelta(1.0)
        <Adadelta learning_rate=1.0>
    """

    kind = "adadelta"
    settings = ("rho", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *common, **kwargs)
        self.rho = self._number("rho", rho, 0.0, 1.0)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)
