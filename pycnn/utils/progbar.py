"""A progress line for loops of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pycnn.core.progress import Progress


class Progbar:
    """Prints a progress line like those of `fit`.

    Args:
        target: number of steps; None where it is not known.
        width: characters of the bar.
        verbose: 0 for nothing, 1 for a bar, 2 for one line at the end.
        interval: seconds between two drawings.
        stateful_metrics: names of values that are shown as they are; of all others the mean over the steps.
        unit_name: of a step.

    Example:
        >>> import pycnn as keras
        >>> bar = keras.utils.Progbar(2, verbose=0)
        >>> bar.add(1, [("loss", 1.0)])
        >>> bar.add(1, [("loss", 0.0)])
        >>> bar.values
        {'loss': 0.5}
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.verbose = verbose
        self.stateful_metrics = set(stateful_metrics or ())
        self._line = Progress(target, verbose, width=width, interval=interval, unit=unit_name)
        self._seen = 0
        self._sums: dict[str, list[float]] = {}  # sum and number of steps
        self._finished = False

    @property
    def values(self) -> dict[str, float]:
        """What is shown."""
        return {name: total / max(count, 1) for name, (total, count) in self._sums.items()}

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Shows that so many steps are done.

        Args:
            current: number of steps done.
            values: pairs (name, value) of the steps since the last call.
            finalize: whether this is the end; None for: where `current` has reached the target.
        """
        steps = current - self._seen
        for name, value in values or ():
            if name in self.stateful_metrics or name not in self._sums or finalize:
                weight = 1 if name in self.stateful_metrics or finalize else max(steps, 1)
                self._sums[name] = [float(value) * weight, weight]
            else:
                self._sums[name][0] += float(value) * max(steps, 1)
                self._sums[name][1] += max(steps, 1)
        self._seen = current
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if finalize:
            if not self._finished:
                self._line.finish(current, self.values)
            self._finished = True
        elif self._line.due():
            self._line.draw(current, self.values)

    def add(self, n: int, values: Any = None) -> None:
        """Shows that n more steps are done; values as in `update`."""
        self.update(self._seen + n, values)
