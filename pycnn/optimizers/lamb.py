"""LAMB."""

from __future__ import annotations

from typing import Any

import numpy as np

from pycnn.core.variable import Variable
from pycnn.optimizers.adaptive_moments import _Moments


class Lamb(_Moments):
    """Adam's steps, for each weight as long in proportion as the weight is. You et al. 2020.

    m and v as Adam's; u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon);
    w -= a |w| / |u| u, with Euclid's norm of the whole weight; a u where one is 0. Computed with NumPy.

    Args:
        learning_rate: a.
        beta_1: in [0, 1).
        beta_2: in [0, 1).
        epsilon: at least 0.
        common: in this order: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name; see `Optimizer`.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.Lamb()
        <Lamb learning_rate=0.001>
    """

    def build(self, variables: Any) -> None:
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        place, step = self._get_variable_index(variable), int(self.iterations) + 1
        m, v = self._momentums[place], self._velocities[place]
        m.assign_add((gradient - m.value) * np.float32(1 - self.beta_1))
        v.assign_add((gradient * gradient - v.value) * np.float32(1 - self.beta_2))
        mean = m.value / np.float32(1 - self.beta_1**step)
        size = np.sqrt(v.value / np.float32(1 - self.beta_2**step)) + np.float32(self.epsilon)
        update = mean / size
        long, wide = norm(variable.value), norm(update)
        ratio = long / wide if long > 0 and wide > 0 else 1.0
        variable.assign_sub(np.float32(ratio * learning_rate) * update)


def norm(x: Any) -> float:
    """Euclid's norm of all values."""
    return float(np.sqrt(np.sum(np.square(x), dtype=np.float64)))
