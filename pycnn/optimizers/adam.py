"""Adam and AdamW."""

from __future__ import annotations

import math
from typing import Any

from pycnn.optimizers.base import Optimizer, clipping


class Adam(Optimizer):
    """Steps from running means of the gradient and of its square. Kingma & Ba 2015.

    m = beta_1 m + (1 - beta_1) g; v = beta_2 v + (1 - beta_2) g^2;
    w -= a sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon). amsgrad: the largest v so far
    instead of v.

    Args:
        learning_rate: a.
        beta_1: in [0, 1).
        beta_2: in [0, 1).
        epsilon: at least 0.
        amsgrad: whether the largest v so far is used. Reddi et al. 2018.
        weight_decay: at least 0; None for 0.
        name: None for an automatic one.
        kwargs: see `Optimizer`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.

    Example:
        >>> import pycnn as keras
        >>> optimizer = keras.optimizers.Adam()
        >>> optimizer.learning_rate = 0.01
        >>> optimizer
        <Adam learning_rate=0.01>
    """

    kind = "adam"
    saved_slots = (("momentum", "velocity"), ("velocity_hat",))

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs |= clipping(clipnorm, clipvalue, global_clipnorm)
        super().__init__(learning_rate, weight_decay, name, **kwargs)
        below_one = math.nextafter(1.0, 0.0)
        self.beta_1 = self._number("beta_1", beta_1, 0.0, below_one)
        self.beta_2 = self._number("beta_2", beta_2, 0.0, below_one)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)
        self.amsgrad = bool(amsgrad)

    def options(self) -> dict[str, float]:
        return super().options() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": float(self.amsgrad),
        }

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


class AdamW(Adam):
    """Adam with a weight decay of 0.004 unless told otherwise. Loshchilov & Hutter 2019.

    Args:
        learning_rate: a.
        weight_decay: at least 0; None for 0.
        kwargs: as for `Adam`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.AdamW().weight_decay
        0.004
    """

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float | None = 0.004, **kwargs: Any) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
