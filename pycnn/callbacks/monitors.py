"""Callbacks that watch a logged value: EarlyStopping, ReduceLROnPlateau and ModelCheckpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pycnn.callbacks.base import Logs
from pycnn.callbacks.monitor import MonitorCallback
from pycnn.core.arguments import as_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class EarlyStopping(MonitorCallback):
    """Stops the training when a value has stopped getting better.

    Args:
        monitor: name of the value.
        min_delta: what counts as better: a change of more than this.
        patience: epochs without a better value after which the training stops.
        verbose: 1 prints when it does.
        mode: 'min', 'max', or 'auto': as the metric of that name says, and 'min' for losses.
        baseline: a value that must be beaten.
        restore_best_weights: whether the model gets back the weights of its best epoch.
        start_from_epoch: epochs to wait before anything is monitored.

    Raises:
        ValueError: if there is no such mode; when the training begins, if 'auto' finds no direction.

    Example:
        >>> import pycnn as keras
        >>> stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    """

    _task = "Early stopping"

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._find_direction()
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: list[NDArray[np.float32]] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self._value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        better = self._better(value, self.best)
        self.wait += 1
        if better:
            self.best, self.best_epoch = value, epoch
            if self.baseline is None or self._better(value, self.baseline):
                self.wait = 0
        if self.restore_best_weights and better:
            self.best_weights = self.model.get_weights()
        if not better and self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(MonitorCallback):
    """Makes the learning rate smaller when a value has stopped getting better.

    Args:
        monitor: name of the value.
        factor: below 1; the learning rate is multiplied by it.
        patience: epochs without a better value after which that is done.
        verbose: 1 prints it.
        mode: 'min', 'max', or 'auto': as the metric of that name says, and 'min' for losses.
        min_delta: what counts as better: a change of more than this.
        cooldown: epochs after it in which nothing is counted.
        min_lr: the learning rate never becomes smaller than this.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value; when the training begins, if 'auto'
            finds no direction.

    Example:
        >>> import pycnn as keras
        >>> reduce = keras.callbacks.ReduceLROnPlateau(factor=0.2, patience=5, min_lr=1e-5)
    """

    _task = "Learning rate reduction is"

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = as_number("ReduceLROnPlateau: factor", factor)
        if self.factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}")
        self.min_lr = as_number("ReduceLROnPlateau: min_lr", min_lr)
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._find_direction()
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether epochs are not counted."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        value = self._value(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._better(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        """Sets a smaller rate; whether there is one."""
        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate)
        if rate <= self.min_lr:
            return False
        optimizer.learning_rate = max(rate * self.factor, self.min_lr)
        if self.verbose:
            print(
                f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {optimizer.learning_rate}."
            )
        return True


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after each epoch or when it has become better.

    The folder of the files is made where there is none, when the training starts.

    Args:
        filepath: ending in '.keras', '.h5', '.hdf5' or '.safetensors', and for weights only in '.weights.h5',
            '.h5', '.hdf5' or '.safetensors'. May have {epoch}, {batch} (with `save_freq`) and the names of
            logged values, for instance 'm-{epoch:02d}-{val_loss:.3f}.keras'.
        monitor: name of the value that decides what is better.
        verbose: 1 prints when the model is saved.
        save_best_only: whether it is saved only when it has become better.
        save_weights_only: whether only the weights are saved.
        mode: 'min', 'max', or 'auto': as the metric of that name says, and 'min' for losses.
        save_freq: 'epoch', or a number of batches.
        initial_value_threshold: a value that must be beaten.

    Raises:
        ValueError: if an argument has the wrong value.
        OSError: at the start of the training, if the folder cannot be made or written to.

    Example:
        >>> import pycnn as keras
        >>> best = keras.callbacks.ModelCheckpoint("best.safetensors", save_best_only=True)
    """

    _task = "Saving the best model only"

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        from pycnn.saving.models import MODEL_ENDINGS, WEIGHT_ENDINGS, checked_path

        endings = WEIGHT_ENDINGS if save_weights_only else MODEL_ENDINGS
        self.filepath = checked_path(filepath, endings, "weights are" if save_weights_only else "models are")
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"`save_freq` is {save_freq!r}; expected 'epoch' or a positive number of batches"
            )
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best = initial_value_threshold
        self._batches = 0
        self._epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from pycnn.saving.models import check_can_write

        # What comes before the first name that is filled in can be looked at before the work.
        fixed = os.path.dirname(self.filepath.split("{")[0])
        check_can_write(self.filepath, fixed)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % int(self.save_freq) == 0:
            self._save(self._epoch, logs, batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs)

    def _save(self, epoch: int, logs: Logs | None, batch: int | None = None) -> None:
        path = self._path(epoch, logs or {}, batch)
        reason = self._reason(logs or {})
        if reason is None:
            return
        self._tell(f"\nEpoch {epoch + 1}: {reason}saving model to {path}")
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        self._tell(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _reason(self, logs: Logs) -> str | None:
        """What is said of a save, ending in ', ' or empty; None where there is nothing to save."""
        if not self.save_best_only:
            return ""
        value = logs.get(self.monitor)
        if value is None:
            import warnings

            warnings.warn(f"Can save best model only with {self.monitor} available.", stacklevel=2)
            return ""
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._better(value, self.best):
            self._tell(f"\nEpoch {self._epoch + 1}: {self.monitor} did not improve from {best}")
            return None
        self.best = value
        return f"{self.monitor} improved from {best} to {value:.5f}, "

    def _path(self, epoch: int, logs: Logs, batch: int | None) -> str:
        numbers = {"epoch": epoch + 1} | ({} if batch is None else {"batch": batch + 1})
        try:
            return self.filepath.format(**(numbers | logs))
        except KeyError as error:
            raise ValueError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}, which is not '
                f"logged"
            ) from None

    def _tell(self, text: str) -> None:
        if self.verbose:
            print(text)
