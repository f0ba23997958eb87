"""The base of all callbacks, the list that calls them, and History."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Callback:
    """Base of all callbacks: override the methods whose moment you need.

    `self.model` is the model and `self.params` has `epochs`, `steps` and `verbose`. `logs` has the loss and
    the metrics by name, the mean over the batches of this epoch so far.

    Example:
        >>> import pycnn as keras
        >>> class Stop(keras.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         self.model.stop_training = logs["loss"] < 0.1
    """

    model: Any  # the pycnn.Model

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before training."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before training."""
        self.model = model

    def on_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """The older name of on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """The older name of on_train_batch_end."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Before an epoch; the first has number 0."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """After an epoch and its validation, whose results are in logs as `val_...`."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Before a batch of `fit`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """After a batch of `fit`."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Before a batch of `evaluate` or of validation."""

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """After a batch of `evaluate` or of validation."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a batch of `predict`, with its `outputs` in logs."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """At the start of `fit`."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """At the end of `fit`."""

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """At the start of `evaluate` or of validation."""

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """At the end of `evaluate` or of validation."""

    def on_predict_begin(self, logs: dict[str, float] | None = None) -> None:
        """At the start of `predict`."""

    def on_predict_end(self, logs: dict[str, float] | None = None) -> None:
        """At the end of `predict`."""


class CallbackList:
    """Calls a moment of all callbacks that override it.

    Args:
        callbacks: a callback, several, or None.
        model: that they work on.
        params: given to each.

    Raises:
        TypeError: if one is no callback.
    """

    def __init__(self, callbacks: Any, model: Any, params: dict[str, Any]) -> None:
        if callbacks is None or isinstance(callbacks, Callback):
            callbacks = [] if callbacks is None else [callbacks]
        if isinstance(callbacks, (str, Mapping)) or not isinstance(callbacks, Iterable):
            raise TypeError(f"`callbacks` is {callbacks!r}; expected a list of callbacks")
        self.callbacks: list[Callback] = list(callbacks)
        self._params = params
        self._model = model
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(
                    f"`callbacks` has {callback!r}, which is no callback: derive it from callbacks.Callback"
                )
            callback.set_params(params)
            callback.set_model(model)

    def add_history(self) -> History:
        """A History behind the others, so that it sees what they add to the logs."""
        history = History()
        history.set_params(self._params)
        history.set_model(self._model)
        self.callbacks.append(history)
        return history

    def hooks(self, moment: str) -> list[Callable[..., None]]:
        """What is to be called at a moment: the methods that do something."""
        names = [moment, moment.replace("_train_batch_", "_batch_")]
        found = []
        for callback in self.callbacks:
            for name in names:
                hook = getattr(callback, name)
                if getattr(hook, "__func__", None) is not getattr(Callback, name):
                    found.append(hook)
                    break
        return found

    def call(self, moment: str, *arguments: Any) -> None:
        """Calls one moment."""
        for hook in self.hooks(moment):
            hook(*arguments)


class History(Callback):
    """What `fit` returns: `history` has the values of all epochs for each name, `epoch` their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    @classmethod
    def resumed(cls, model: Any, record: tuple[dict[str, list[float]], list[int], dict[str, Any]]) -> History:
        """One that goes on with the record of another."""
        history = cls()
        history.set_model(model)
        history.history, history.epoch, history.params = record
        return history

    @property
    def record(self) -> tuple[dict[str, list[float]], list[int], dict[str, Any]]:
        """What it holds without the model, which may keep it so without keeping itself alive."""
        return self.history, self.epoch, self.params

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self.epoch or self.history:  # of another training
            self.epoch, self.history = [], {}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
