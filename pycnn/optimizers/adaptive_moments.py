"""Adam and those that come from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pycnn.optimizers.base import Optimizer
from pycnn.optimizers.live import LiveNumber

if TYPE_CHECKING:
    from pycnn.core.variable import Variable
    from pycnn.optimizers.state import F32


class _Moments(Optimizer):
    """What those with running means of the gradient and of its size share."""

    settings: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *common, **kwargs)
        self.beta_1 = self._below_one("beta_1", beta_1)
        self.beta_2 = self._below_one("beta_2", beta_2)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)


class Adam(_Moments):
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
        common: in this order: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name; see `Optimizer`.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> optimizer = keras.optimizers.Adam()
        >>> optimizer.learning_rate = 0.01
        >>> optimizer
        <Adam learning_rate=0.01>
    """

    kind = "adam"
    settings = (*_Moments.settings, "amsgrad")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, *common, **kwargs)
        self.amsgrad = bool(amsgrad)


class AdamW(Adam):
    """Adam with a weight decay of 0.004 unless told otherwise. Loshchilov & Hutter 2019.

    Args:
        learning_rate: a.
        weight_decay: at least 0.
        beta_1: in [0, 1).
        beta_2: in [0, 1).
        epsilon: at least 0.
        amsgrad: whether the largest v so far is used.
        common: as for Adam, from clipnorm on.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.AdamW().weight_decay
        0.004
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *common, **kwargs)


class Adamax(_Moments):
    """Adam with the largest gradient, which decays, in place of the mean square. Kingma & Ba 2015, section 7.

    m as Adam's; u = max(beta_2 u, |g|); w -= a / (1 - beta_1^t) * m / (u + epsilon).

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
        >>> keras.optimizers.Adamax()
        <Adamax learning_rate=0.001>
    """

    kind = "adamax"


class Nadam(_Moments):
    """Adam with Nesterov's momentum. Dozat 2016.

    m and v as Adam's. With c_t = beta_1 (1 - 0.96^t / 2) and P_t = c_1 c_2 ... c_t,
    w -= a (c_{t+1} m / (1 - P_{t+1}) + (1 - c_t) g / (1 - P_t)) / (sqrt(v / (1 - beta_2^t)) + epsilon).

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
        >>> keras.optimizers.Nadam()
        <Nadam learning_rate=0.001>
    """

    kind = "nadam"

    @property
    def variables(self) -> list[Any]:
        """As every optimizer's, and P_t, which the number of steps tells: setting it does nothing."""
        return super().variables + ([self._product] if self.built else [])

    def saved_state(self, variables: Sequence[Variable]) -> list[tuple[str, F32]]:
        return [*super().saved_state(variables), ("variable", np.array(float(self._product), np.float32))]

    @property
    def _product(self) -> LiveNumber:
        def product() -> float:
            found, step = 1.0, 0
            while step < int(self.iterations) and found:
                step += 1
                found *= self.beta_1 * (1.0 - 0.5 * 0.96**step)
            return found

        return LiveNumber("u_product", product, lambda value: None)
