"""FTRL."""

from __future__ import annotations

import math
from typing import Any

from pycnn.optimizers.base import Optimizer


class Ftrl(Optimizer):
    """Follow the regularized leader: weights from the sum of all gradients. McMahan et al. 2013.

    With p = -learning_rate_power: s' = s + g^2; z += g + 2 l2_shrinkage w - (s'^p - s^p) / a w;
    w = (clip(z, -l1, l1) - z) / (s'^p / a + 2 l2 + beta / a).

    Args:
        learning_rate: a.
        learning_rate_power: at most 0.
        initial_accumulator_value: what s begins with, at least 0.
        l1_regularization_strength: at least 0.
        l2_regularization_strength: at least 0.
        l2_shrinkage_regularization_strength: at least 0.
        beta: of the paper.
        common: in this order: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name; see `Optimizer`.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.Ftrl(0.1, l1_regularization_strength=0.001)
        <Ftrl learning_rate=0.1>
    """

    kind = "ftrl"
    settings = (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
        "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *common, **kwargs)

        def at_least_zero(name: str, value: float) -> float:
            return self._number(name, value, 0.0, math.inf)

        self.learning_rate_power = -at_least_zero("-learning_rate_power", -learning_rate_power)
        self.initial_accumulator_value = at_least_zero("initial_accumulator_value", initial_accumulator_value)
        self.l1_regularization_strength = at_least_zero(
            "l1_regularization_strength", l1_regularization_strength
        )
        self.l2_regularization_strength = at_least_zero(
            "l2_regularization_strength", l2_regularization_strength
        )
        self.l2_shrinkage_regularization_strength = at_least_zero(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength
        )
        self.beta = self._number("beta", beta, -math.inf, math.inf)
