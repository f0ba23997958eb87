"""Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core.variable import Variable
from pycnn.optimizers.base import Optimizer
from pycnn.optimizers.lamb import norm


class Muon(Optimizer):
    """Momentum that is made almost orthogonal before a step. Jordan et al. 2024; Liu et al. 2025.

    For weights of two axes: m = momentum * m + g; u = g + momentum * m (without Nesterov's, m);
    w -= a rms_rate sqrt(max(rows, columns)) NS(u), where NS is `ns_steps` times
    x <- muon_a x + (muon_b x x^T + muon_c (x x^T)^2) x, beginning with u / |u|. All other weights, those of
    embeddings and those of `exclude_layers` take AdamW's steps. Computed with NumPy.

    Args:
        learning_rate: a.
        adam_beta_1: AdamW's, in [0, 1).
        adam_beta_2: AdamW's, in [0, 1).
        adam_weight_decay: AdamW's; None for 0.
        epsilon: AdamW's.
        weight_decay: of the weights of two axes; None for 0.
        clipnorm: see `Optimizer`.
        clipvalue: see `Optimizer`.
        global_clipnorm: see `Optimizer`.
        use_ema: see `Optimizer`.
        ema_momentum: see `Optimizer`.
        ema_overwrite_frequency: see `Optimizer`.
        loss_scale_factor: see `Optimizer`.
        gradient_accumulation_steps: see `Optimizer`.
        name: None for an automatic one.
        exclude_layers: regular expressions: weights in whose path one is found take AdamW's steps.
        exclude_embeddings: whether those with 'embedding' in their path do.
        muon_a: see above.
        muon_b: see above.
        muon_c: see above.
        adam_lr_ratio: AdamW's learning rate as a fraction of a.
        momentum: in [0, 1].
        ns_steps: at least 0.
        nesterov: whether the momentum is Nesterov's.
        rms_rate: see above; None for steps a NS(u).
        kwargs: `lr` and `decay` of old programs.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.Muon(0.01, exclude_layers=["scores"])
        <Muon learning_rate=0.01>
    """

    settings = (
        "adam_beta_1", "adam_beta_2", "epsilon", "exclude_layers", "muon_a", "muon_b", "muon_c",
        "adam_lr_ratio", "momentum", "ns_steps", "nesterov", "exclude_embeddings", "adam_weight_decay",
        "rms_rate",
    )  # fmt: skip

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.adam_beta_1 = self._below_one("adam_beta_1", adam_beta_1)
        self.adam_beta_2 = self._below_one("adam_beta_2", adam_beta_2)
        self.adam_weight_decay = self._number_or_none("adam_weight_decay", adam_weight_decay, 0.0)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = bool(exclude_embeddings)
        self.muon_a = self._number("muon_a", muon_a, -math.inf, math.inf)
        self.muon_b = self._number("muon_b", muon_b, -math.inf, math.inf)
        self.muon_c = self._number("muon_c", muon_c, -math.inf, math.inf)
        self.adam_lr_ratio = self._number("adam_lr_ratio", adam_lr_ratio, 0.0, math.inf)
        self.momentum = self._number("momentum", momentum, 0.0, 1.0)
        self.ns_steps = self._count("ns_steps", ns_steps, 0) or 0
        self.nesterov = bool(nesterov)
        self.rms_rate = self._number_or_none("rms_rate", rms_rate, 0.0)

    def build(self, variables: Any) -> None:
        super().build(variables)
        self.momentums: list[Variable] = []
        self.adam_velocities: list[Variable | None] = []
        for variable in variables:
            self.momentums.append(self.add_variable_from_reference(variable, "momentum"))
            self.adam_velocities.append(
                self.add_variable_from_reference(variable, "velocity") if self._takes_adam(variable) else None
            )

    def _takes_adam(self, variable: Variable) -> bool:
        path = variable.path
        return (
            variable.ndim != 2
            or (self.exclude_embeddings and "embedding" in path.lower())
            or any(re.search(expression, path) for expression in self.exclude_layers)
        )

    def _apply_weight_decay(self, variables: Sequence[Variable]) -> None:
        rate = self.current_rate()
        for variable in variables:
            decay = self.adam_weight_decay if self._takes_adam(variable) else self.weight_decay
            if decay and self._use_weight_decay(variable):
                variable.assign(variable.value - np.float32(rate * decay) * variable.value)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        place = self._get_variable_index(variable)
        m, v = self.momentums[place], self.adam_velocities[place]
        if v is not None:
            self._adam_step(gradient, variable, learning_rate * self.adam_lr_ratio, m, v)
            return
        m.assign_add(gradient + m.value * np.float32(self.momentum - 1))
        update = self._orthogonal(
            gradient + np.float32(self.momentum) * m.value if self.nesterov else m.value
        )
        scale = 1.0 if self.rms_rate is None else math.sqrt(max(variable.shape)) * self.rms_rate
        variable.assign_sub(np.float32(learning_rate * scale) * update)

    def _adam_step(self, g: Any, variable: Variable, rate: float, m: Variable, v: Variable) -> None:
        step = int(self.iterations) + 1
        m.assign_add((g - m.value) * np.float32(1 - self.adam_beta_1))
        v.assign_add((g * g - v.value) * np.float32(1 - self.adam_beta_2))
        size = rate * math.sqrt(1 - self.adam_beta_2**step) / (1 - self.adam_beta_1**step)
        variable.assign_sub(np.float32(size) * m.value / (np.sqrt(v.value) + np.float32(self.epsilon)))

    def _orthogonal(self, x: Any) -> Any:
        """Newton and Schulz's iteration, on the smaller of x x^T and x^T x."""
        turned = x.shape[0] > x.shape[1]
        x = (x.T if turned else x) / np.float32(norm(x) + 1e-7)
        a, b, c = (np.float32(number) for number in (self.muon_a, self.muon_b, self.muon_c))
        for _ in range(self.ns_steps):
            product = x @ x.T
            x = a * x + (b * product + c * (product @ product)) @ x
        return x.T if turned else x
