"""How the learning rate goes in a training."""

from __future__ import annotations

from typing import Any

from pycnn.callbacks import Callback

__all__ = ["LinearDecay"]


class LinearDecay(Callback):
    """The learning rate falls evenly from the optimizer's own to nearly zero at the last step.

    Args:
        steps: of the whole training.
        warm_up: the share of them, in [0, 1), in which the rate first rises evenly from nearly zero.
    """

    def __init__(self, steps: int, warm_up: float = 0.0) -> None:
        super().__init__()
        self._steps, self._step, self._start = steps, 0, 0.0
        self._rising = warm_up * steps

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._start = float(self.model.optimizer.learning_rate)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        falling = (self._steps - self._step) / (self._steps - self._rising)
        self._step += 1
        rising = self._step / self._rising if self._rising else 1.0
        self.model.optimizer.learning_rate = self._start * max(min(rising, falling), 0.0)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.model.optimizer.learning_rate = self._start
