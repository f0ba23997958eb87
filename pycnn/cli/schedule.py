"""How `pycnn train` lets the learning rate fall."""

from __future__ import annotations

from typing import Any

from pycnn.callbacks import Callback

__all__ = ["LinearDecay"]


class LinearDecay(Callback):
    """The learning rate falls evenly from the optimizer's own to nearly zero at the last of `steps`."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps, self._step, self._start = steps, 0, 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._start = self.model.optimizer.learning_rate

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.model.optimizer.learning_rate = self._start * (1.0 - self._step / self._steps)
        self._step += 1

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.model.optimizer.learning_rate = self._start
