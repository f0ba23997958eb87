"""Adafactor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pycnn.core.variable import Variable
from pycnn.optimizers.base import Optimizer


class Adafactor(Optimizer):
    """Steps from mean squares of gradients that are kept as rows and columns only. Shazeer & Stern 2018.

    b = 1 - t^beta_2_decay; the means r of g^2 + epsilon_1 along the last axis and c along the one before,
    each as r = b r + (1 - b) mean; v = r c / mean(r). A weight of one axis keeps v = b v + (1 - b) (g^2 +
    epsilon_1). With u = g / sqrt(v) and the root mean square |.|, w -= s u / max(1, |u| / clip_threshold),
    where s = max(epsilon_2, |w|) min(a, 1 / sqrt(t)). Computed with NumPy.

    Args:
        learning_rate: a.
        beta_2_decay: at most 0.
        epsilon_1: at least 0.
        epsilon_2: at least 0.
        clip_threshold: above 0.
        relative_step: has no effect: in Keras, too, s is the same without.
        common: in this order: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name; see `Optimizer`.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.Adafactor()
        <Adafactor learning_rate=0.001>
    """

    settings = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *common, **kwargs)
        self.beta_2_decay = self._number("beta_2_decay", beta_2_decay, -math.inf, 0.0)
        self.epsilon_1 = self._number("epsilon_1", epsilon_1, 0.0, math.inf)
        self.epsilon_2 = self._number("epsilon_2", epsilon_2, 0.0, math.inf)
        self.clip_threshold = self._number(
            "clip_threshold", clip_threshold, math.nextafter(0.0, 1.0), math.inf
        )
        self.relative_step = bool(relative_step)

    def build(self, variables: Any) -> None:
        super().build(variables)
        self._r: list[Variable] = []
        self._c: list[Variable] = []
        self._v: list[Variable] = []
        for variable in variables:
            shape, factored = variable.shape, variable.ndim >= 2
            # Those of weights of one axis are numbers that nothing changes, as Keras' files have them.
            rows, columns = (shape[:-1], (*shape[:-2], shape[-1])) if factored else ((), ())
            self._r.append(self._add(rows, "zeros", None, "r", variable))
            self._c.append(self._add(columns, "zeros", None, "c", variable))
            self._v.append(self.add_variable_from_reference(variable, "velocity"))

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        place, step = self._get_variable_index(variable), int(self.iterations) + 1
        r, c, v = self._r[place], self._c[place], self._v[place]
        rest = np.float32(step**self.beta_2_decay)
        keep = np.float32(1) - rest
        square = gradient * gradient + np.float32(self.epsilon_1)
        if variable.ndim >= 2:
            r.assign(keep * r.value + rest * square.mean(-1))
            c.assign(keep * c.value + rest * square.mean(-2))
            rows = r.value / r.value.mean(-1, keepdims=True)
            v.assign(rows[..., None] * c.value[..., None, :])
        else:
            v.assign(keep * v.value + rest * square)
        update = gradient / np.sqrt(v.value)
        update = update / np.float32(max(1.0, _root_mean_square(update) / self.clip_threshold))
        size = max(self.epsilon_2, _root_mean_square(variable.value)) * min(
            learning_rate, 1 / math.sqrt(step)
        )
        variable.assign_sub(np.float32(size) * update)


def _root_mean_square(x: Any) -> float:
    return float(np.sqrt(np.mean(np.square(x), dtype=np.float64)))
