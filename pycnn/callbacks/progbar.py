"""The progress lines of `fit`, `evaluate` and `predict` as a callback."""

from __future__ import annotations

from pycnn.callbacks.base import Callback, Logs
from pycnn.core.progress import Progress


class ProgbarLogger(Callback):
    """Prints the progress lines that `fit`, `evaluate` and `predict` print of themselves.

    In a list of callbacks it takes the place of those, so that it can stand between other callbacks, which
    see its lines before or after their own. `verbose` of `fit` sets what it prints.

    Example:
        >>> import pycnn as keras
        >>> bar = keras.callbacks.ProgbarLogger()
    """

    draws_progress = True

    def __init__(self) -> None:
        super().__init__()
        self._in_fit = False
        self._line: Progress | None = None
        self._seen = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        announce_epoch(epoch, self.params.get("epochs", 1), self._level)
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._advance(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._advance(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._advance(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish(None)

    @property
    def _level(self) -> int:
        return int(self.params.get("verbose", 1))

    def _begin(self) -> None:
        self._line, self._seen = Progress(self.params.get("steps"), self._level), 0

    def _advance(self, batch: int, logs: Logs | None) -> None:
        self._seen = batch + 1
        if self._line is not None and self._line.due():
            self._line.draw(self._seen, logs or {})

    def _finish(self, logs: Logs | None) -> None:
        if self._line is not None:
            self._line.finish(self._seen, logs or {})
            self._line = None


def announce_epoch(epoch: int, epochs: int, verbose: int) -> None:
    """The line before an epoch, where there are several."""
    if verbose and epochs > 1:
        print(f"Epoch {epoch + 1}/{epochs}")
