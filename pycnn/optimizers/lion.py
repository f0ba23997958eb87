"""Lion."""

from __future__ import annotations

import math
from typing import Any

from pycnn.optimizers.base import Optimizer


class Lion(Optimizer):
    """Steps of one size, with the sign of a mean of momentum and gradient. Chen et al. 2023.

    w -= a sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g. a is to be smaller than Adam's, and
    `weight_decay` larger.

    Args:
        learning_rate: a.
        beta_1: in (0, 1].
        beta_2: in [0, 1].
        common: in this order: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name; see `Optimizer`.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.Lion(1e-4)
        <Lion learning_rate=0.0001>
    """

    kind = "lion"
    settings = ("beta_1", "beta_2")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *common, **kwargs)
        self.beta_1 = self._number("beta_1", beta_1, math.nextafter(0.0, 1.0), 1.0)
        self.beta_2 = self._number("beta_2", beta_2, 0.0, 1.0)
