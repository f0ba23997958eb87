"""Callbacks made of functions, for the learning rate, and against losses that are not finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pycnn.callbacks.base import Callback


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin: function of (epoch, logs).
        on_epoch_end: function of (epoch, logs).
        on_train_begin: function of (logs).
        on_train_end: function of (logs).
        on_train_batch_begin: function of (batch, logs).
        on_train_batch_end: function of (batch, logs).
        kwargs: functions for other methods of `Callback`.

    Raises:
        TypeError: if there is no method of that name, or the value is no function.

    Example:
        >>> import pycnn as keras
        >>> show = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in given.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback has no moment {name!r}")
            if function is not None:
                if not callable(function):
                    raise TypeError(f"LambdaCallback: {name} is {function!r}; expected a function")
                setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Stops the training when the loss is NaN or infinite.

    Args:
        raise_error: whether that is a RuntimeError.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            if self.raise_error:
                raise RuntimeError(f"The loss is not finite after batch {batch}")
            print(f"Batch {batch}: invalid loss, terminating training")
            self.model.stop_training = True


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch.

    Args:
        schedule: function of (epoch, learning rate), or of (epoch), that returns the new rate.
        verbose: 1 prints it.

    Example:
        >>> import pycnn as keras
        >>> halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(
                f"`schedule` is {schedule!r}; expected a function of the epoch and the learning rate"
            )
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        import inspect

        optimizer = self.model.optimizer
        arguments = (epoch, float(optimizer.learning_rate))
        try:
            inspect.signature(self.schedule).bind(*arguments)
        except TypeError:
            optimizer.learning_rate = self.schedule(epoch)
        else:
            optimizer.learning_rate = self.schedule(*arguments)
        if self.verbose:
            print(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to "
                f"{optimizer.learning_rate}."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
