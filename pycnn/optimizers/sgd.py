"""Gradient descent."""

from __future__ import annotations

from typing import Any

from pycnn.optimizers.base import Optimizer, clipping


class SGD(Optimizer):
    """Gradient descent, optionally with momentum.

    Without momentum w -= a g; with it m = momentum * m - a g, then w += m, or w += momentum * m - a g
    (Nesterov). Sutskever et al. 2013.

    Args:
        learning_rate: a.
        momentum: in [0, 1].
        nesterov: whether the momentum is Nesterov's.
        weight_decay: at least 0; None for 0.
        name: None for an automatic one.
        kwargs: see `Optimizer`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.SGD(0.1, momentum=0.9)
        <SGD learning_rate=0.1>
    """

    kind = "sgd"
    saved_slots = (("momentum",),)

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs |= clipping(clipnorm, clipvalue, global_clipnorm)
        super().__init__(learning_rate, weight_decay, name, **kwargs)
        self.momentum = self._number("momentum", momentum, 0.0, 1.0)
        self.nesterov = bool(nesterov)

    def options(self) -> dict[str, float]:
        return super().options() | {"momentum": self.momentum, "nesterov": float(self.nesterov)}

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}
