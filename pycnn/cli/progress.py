"""Shows how training goes: a live line on a terminal, one plain line per epoch elsewhere."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from pycnn.callbacks import Callback

__all__ = ["TrainingProgress"]

_BETWEEN_UPDATES = 0.1  # seconds


class TrainingProgress(Callback):
    """A Keras callback that prints to a rich console and keeps the figures of every epoch.

    Args:
        console: where to print; it has the live line only where it is a terminal.
        epochs: how many there will be.
        samples: how many an epoch has.
    """

    def __init__(self, console: Console, epochs: int, samples: int) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {
            name: []
            for name in ("loss", "accuracy", "val_loss", "val_accuracy", "seconds", "images_per_second")
        }
        self._console = console
        self._epochs = epochs
        self._samples = samples
        self._bar = _bar(console) if console.is_terminal else None
        self._task = self._bar.add_task("", total=epochs * samples) if self._bar else None
        self._epoch = 0
        self._steps = 0
        self._epoch_start = self._fit_start = self._epoch_end = self._shown = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock and the live line."""
        self._fit_start = time.perf_counter()
        if self._bar:
            self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts an epoch."""
        self._epoch = epoch
        self._epoch_start = self._epoch_end = time.perf_counter()
        self._steps = int(self.params.get("steps") or 1)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes that time, and renews the live line ten times a second."""
        now = self._epoch_end = time.perf_counter()
        if self._bar is None or self._task is None or now - self._shown < _BETWEEN_UPDATES:
            return
        self._shown = now
        done = min((batch + 1) / self._steps, 1.0) * self._samples
        total = self._epoch * self._samples + done
        rate = done / (now - self._epoch_start)
        left = (now - self._fit_start) * (self._epochs * self._samples / total - 1)
        logs = logs or {}
        text = (
            f"epoch {self._epoch + 1}/{self._epochs}  {rate:8,.0f} images/s  "
            f"loss {logs.get('loss', float('nan')):.4f}  accuracy {logs.get('accuracy', float('nan')):.4f}  "
            f"{_duration(left)} left"
        )
        self._bar.update(self._task, completed=total, description=text)
        self._bar.refresh()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keeps and prints the figures of the epoch."""
        seconds = self._epoch_end - self._epoch_start
        rate = self._samples / max(seconds, 1e-9)
        figures = {**(logs or {}), "seconds": round(seconds, 3), "images_per_second": round(rate, 1)}
        for name, values in self.history.items():
            values.append(float(figures.get(name, float("nan"))))
        line = (
            f"epoch {epoch + 1}/{self._epochs}: loss {self.history['loss'][-1]:.4f}, "
            f"accuracy {self.history['accuracy'][-1]:.4f}, test loss {self.history['val_loss'][-1]:.4f}, "
            f"test accuracy {self.history['val_accuracy'][-1]:.4f}, {seconds:.1f} s, {rate:,.0f} images/s"
        )
        self._console.print(line, soft_wrap=True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Takes the live line away; to be called after an interruption too."""
        if self._bar:
            self._bar.stop()
            self._bar = None


def _bar(console: Console) -> Progress:
    columns = (
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.description}"),
    )
    return Progress(*columns, console=console, auto_refresh=False, transient=True)


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
