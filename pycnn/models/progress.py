"""Progress lines in Keras' format."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

_INTERVAL = 0.1  # seconds between two drawings
_WIDTH = 20  # characters of the bar


class Progress:
    """The line of one epoch.

    Args:
        steps: number of batches, None where it is not known.
        verbose: 0 for nothing, 1 for a bar (only its last state where stdout is no terminal), 2 for one line.
        patience: seconds before anything is drawn; with patience, the bar is erased at the end.
    """

    def __init__(self, steps: int | None, verbose: int, patience: float = 0.0) -> None:
        self._steps = steps
        self._verbose = verbose
        self._start = time.perf_counter()
        self._live = verbose == 1 and is_live()
        self._next = self._start + max(patience, _INTERVAL) if self._live else float("inf")
        self._fleeting = patience > 0
        self._drawn = 0

    def due(self) -> bool:
        """Whether it is time to draw; costs next to nothing."""
        return time.perf_counter() >= self._next

    def draw(self, step: int, logs: Mapping[str, float]) -> None:
        """Draws the state after `step` batches."""
        now = time.perf_counter()
        self._next = now + _INTERVAL
        per_step = (now - self._start) / max(step, 1)
        left = "" if self._steps is None else f" {_duration(per_step * (self._steps - step))}"
        self._write("\r" + self._pad(f"{self._bar(step)}{left} {_pace(per_step)}{_values(logs)}"))

    def finish(self, step: int, logs: Mapping[str, float]) -> None:
        """Draws the last state and ends the line."""
        if self._verbose == 0 or (self._fleeting and not self._drawn):
            return
        if self._fleeting:
            self._write("\r" + " " * self._drawn + "\r")
            return
        elapsed = time.perf_counter() - self._start
        ending = f"{_pace(elapsed / max(step, 1))}{_values(logs)}"
        if self._verbose == 2:
            self._write(f"{self._count(step)} - {elapsed:.0f}s - {ending}\n")
        else:
            start = "\r" if self._live else ""
            self._write(start + self._pad(f"{self._bar(step)} {elapsed:.0f}s {ending}") + "\n")

    def _count(self, step: int) -> str:
        if self._steps is None:
            return f"{step}/{step}" if self._verbose == 2 else f"{step:7d}/Unknown"
        return f"{step:{len(str(self._steps))}d}/{self._steps}"

    def _bar(self, step: int) -> str:
        if self._steps is None:
            return self._count(step)
        done = min(_WIDTH, _WIDTH * step // max(self._steps, 1))
        full, empty = ("━", "━") if _prints("━") else ("=", ".")
        if self._live and full == empty:
            return f"{self._count(step)} \x1b[32m{full * done}\x1b[0m\x1b[37m{empty * (_WIDTH - done)}\x1b[0m"
        return f"{self._count(step)} {full * done}{'.' * (_WIDTH - done)}"

    def _pad(self, text: str) -> str:
        """Blanks over what the line before had more."""
        width, self._drawn = self._drawn, len(text)
        return text + " " * (width - len(text))

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def is_live() -> bool:
    """Whether stdout can redraw a line: a terminal, or a notebook."""
    return bool(getattr(sys.stdout, "isatty", bool)()) or "ipykernel" in sys.modules


def _prints(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


def _pace(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.0f}s/step"
    return f"{seconds * 1e3:.0f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"


def _values(logs: Mapping[str, Any]) -> str:
    return "".join(f" - {name}: {_text(value)}" for name, value in logs.items())


def _text(value: Any) -> str:
    if np.ndim(value):
        return np.array2string(np.asarray(value), precision=4, separator=" ")
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"
