"""The base of callbacks that ask whether a logged value has become better."""

from __future__ import annotations

import warnings
from typing import Any

from pycnn.callbacks.base import Callback, Logs
from pycnn.core.names import unknown


class MonitorCallback(Callback):
    """Knows a logged value, which direction is better, and by how much.

    Args:
        monitor: name of the value.
        mode: 'min', 'max', or 'auto': as the metric of that name says (`_direction`), and 'min' for losses.
        min_delta: what counts as better: a change of more than this.

    Raises:
        ValueError: if there is no such mode; when the training begins, if 'auto' finds no direction.
    """

    _task = "A callback"  # what waits for the value, for messages

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise unknown("mode", mode, ("auto", "min", "max"))
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None
        self._upwards: bool | None = None

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._upwards = None

    def _find_direction(self) -> bool:
        """Whether larger values are better."""
        if self._upwards is None:
            self._upwards = self.mode == "max"
            if self.mode == "auto":
                direction = _direction_of(self.model, self.monitor.removeprefix("val_"))
                if direction is None:
                    raise ValueError(
                        f"{type(self).__name__} callback received monitor={self.monitor}, but no metric "
                        f"of the model tells whether that should be maximized or minimized. "
                        f"Pass `mode='max'` or `mode='min'`."
                    )
                self._upwards = direction == "up"
        return self._upwards

    def _better(self, value: float, reference: float | None) -> bool:
        """Whether a value is better than another one; every value is better than None."""
        if reference is None:
            return True
        if self._find_direction():
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _value(self, logs: Logs | None) -> Any:
        """The value; None with a warning where it is not logged."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{self._task} conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs or {})}",
                stacklevel=3,
            )
        return value


def _direction_of(model: Any, name: str) -> str | None:
    """'up', 'down' or None: what the model's metric of that name says, alone or of one of several outputs."""
    outputs = [f"{output}_" for output in getattr(model, "output_names", ())]
    names = {name, *(name.removeprefix(prefix) for prefix in outputs if name.startswith(prefix))}
    if "loss" in names:
        return "down"
    found = [metric for metric in getattr(model, "metrics", ()) if metric.name in names]
    return next((d for metric in found if (d := getattr(metric, "_direction", None))), None)
