"""The base of all callbacks, the list that calls them, and History."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

from pycnn.core import tree

Logs: TypeAlias = dict[str, Any]


class Callback:
    """Base of all callbacks: override the methods whose moment you need.

    `self.model` is the model and `self.params` has `epochs`, `steps` and `verbose`. `logs` is a dict at every
    moment; it has the loss and the metrics by name, the mean over the batches of this epoch so far, where
    there are any.

    Example:
        >>> import pycnn as keras
        >>> class Stop(keras.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         self.model.stop_training = logs["loss"] < 0.1
    """

    model: Any  # the pycnn.Model
    draws_progress: ClassVar[bool] = False  # whether it takes the place of the lines that `fit` prints

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before training."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before training."""
        self.model = model

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of on_train_batch_end."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch; the first has number 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation, whose results are in logs as `val_...`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `fit`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `fit`."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `evaluate` or of validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `evaluate` or of validation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `predict`, with its `outputs` in logs."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """At the start of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """At the end of `fit`, with the logs of the last epoch."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """At the start of `evaluate` or of validation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """At the end of `evaluate` or of validation, with its results."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """At the start of `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """At the end of `predict`."""


class History(Callback):
    """What `fit` returns: `history` has the values of all epochs for each name, `epoch` their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    @classmethod
    def resumed(cls, model: Any, record: tuple[dict[str, list[Any]], list[int], dict[str, Any]]) -> History:
        """One that goes on with the record of another."""
        history = cls()
        history.set_model(model)
        history.history, history.epoch, history.params = record
        return history

    @property
    def record(self) -> tuple[dict[str, list[Any]], list[int], dict[str, Any]]:
        """What it holds without the model, which may keep it so without keeping itself alive."""
        return self.history, self.epoch, self.params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.epoch or self.history:  # of another training
            self.epoch, self.history = [], {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class CallbackList(Callback):
    """Several callbacks as one: each method calls that of all of them, in their order.

    Args:
        callbacks: a callback, several (in lists within lists, too), or None.
        add_history: whether a History is put at the end, where there is none, so that it sees what the others
            add to the logs.
        add_progbar: whether a ProgbarLogger is put at the end, where there is none.
        model: that they work on.
        params: given to each.

    Raises:
        TypeError: if one is no callback.

    Example:
        >>> import pycnn as keras
        >>> both = keras.callbacks.CallbackList([keras.callbacks.History()], epochs=2)
        >>> both.on_train_begin()
        >>> both.on_epoch_end(0, {"loss": 0.5})
        >>> both.callbacks[0].history
        {'loss': [0.5]}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks = _checked(callbacks)
        if add_history and self.history is None:
            self.callbacks.append(History())
        if add_progbar and not self.has_progbar:
            from pycnn.callbacks.progbar import ProgbarLogger

            self.callbacks.append(ProgbarLogger())
        self.set_params(params)
        if model is not None:
            self.set_model(model)

    @property
    def history(self) -> History | None:
        """The History among them."""
        return next((found for found in self.callbacks if isinstance(found, History)), None)

    @property
    def has_progbar(self) -> bool:
        """Whether one of them draws the progress."""
        return any(callback.draws_progress for callback in self.callbacks)

    def append(self, callback: Callback) -> None:
        """Adds one more."""
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

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
        """Calls one moment; `arguments` end with the logs."""
        for hook in self.hooks(moment):
            hook(*arguments)


def _checked(callbacks: Any) -> list[Callback]:
    """All callbacks in one list."""
    if callbacks is None:
        return []
    if not isinstance(callbacks, Callback) and (
        isinstance(callbacks, (str, Mapping)) or not isinstance(callbacks, Iterable)
    ):
        raise TypeError(f"`callbacks` is {callbacks!r}; expected a list of callbacks")
    found = tree.flatten(callbacks if isinstance(callbacks, (list, tuple, Callback)) else list(callbacks))
    for callback in found:
        if not isinstance(callback, Callback):
            raise TypeError(
                f"`callbacks` has {callback!r}, which is no callback: derive it from callbacks.Callback"
            )
    return found


def _for_all(moment: str) -> Any:
    """The method of CallbackList that calls a moment of all its callbacks, with a dict for the logs."""
    if "epoch" in moment or "batch" in moment:

        def numbered(self: CallbackList, number: int, logs: Logs | None = None) -> None:
            self.call(moment, number, {} if logs is None else logs)

        return numbered

    def plain(self: CallbackList, logs: Logs | None = None) -> None:
        self.call(moment, {} if logs is None else logs)

    return plain


for _moment in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _moment, _for_all(_moment))
