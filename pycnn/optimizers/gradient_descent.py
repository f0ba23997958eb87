"""Gradient descent."""

from __future__ import annotations

from typing import Any

from pycnn.optimizers.base import Optimizer


class SGD(Optimizer):
    """Gradient descent, optionally with momentum.

    Without momentum w -= a g; with it m = momentum * m - a g, then w += m, or w += momentum * m - a g
    (Nesterov). Sutskever et al. 2013.

    Args:
        learning_rate: a.
        momentum: in [0, 1].
        nesterov: whether the momentum is Nesterov's.
        common: in this order: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name; see `Optimizer`.
        kwargs: the same by name.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.SGD(0.1, momentum=0.9)
        <SGD learning_rate=0.1>
    """

    kind = "sgd"
    settings = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *common: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *common, **kwargs)
        self.momentum = self._number("momentum", momentum, 0.0, 1.0)
        self.nesterov = bool(nesterov)
