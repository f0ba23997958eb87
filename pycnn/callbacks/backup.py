"""The callback that lets an interrupted training go on: BackupAndRestore."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from pycnn.callbacks.base import Callback, Logs
from pycnn.core import seeds
from pycnn.core.arguments import as_int

_LATEST, _PREVIOUS = "latest.safetensors", "previous.safetensors"


class BackupAndRestore(Callback):
    """Keeps the state of a training in a file, and goes on from it when the same program runs again.

    The file has the weights, the optimizer's state and learning rate, the number of the epoch and batch, and
    the state of pycnn's random numbers: a program that is killed at any moment and started again ends with
    the same bits as one that ran through, if it sets the same seed and its data are arrays or a PyDataset.
    A generator goes on from where it is; what other callbacks have counted (EarlyStopping's patience), and
    the metrics of a `train_step` of one's own in the middle of an epoch, begin anew.

    Args:
        backup_dir: folder for the file; each training needs one of its own.
        save_freq: 'epoch', or a number of batches.
        double_checkpoint: whether the state before the last one is kept as well, and used where the last one
            cannot be read.
        delete_checkpoint: whether the files are deleted at the end of the training.

    Raises:
        ValueError: if an argument is wrong; when the training begins, if the file is damaged or of another
            model.

    Example:
        >>> import pycnn as keras
        >>> backup = keras.callbacks.BackupAndRestore("backup")
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ValueError("BackupAndRestore: `backup_dir` is empty; expected the name of a folder")
        if save_freq != "epoch":
            as_int("BackupAndRestore: save_freq", save_freq, 1)
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._epoch = 0
        self._batches = 0  # since the last time
        self._rate: float | None = None  # to be set again when the callbacks of the epoch have begun

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from pycnn.saving.training_state import load_training_state

        self._batches = 0
        paths = [path for name in (_LATEST, _PREVIOUS) if os.path.exists(path := self._path(name))]
        for i, path in enumerate(paths):
            try:
                progress = load_training_state(self.model, path)
            except (OSError, ValueError):
                if i + 1 == len(paths):
                    raise
            else:
                self._resume(progress)
                return

    def _resume(self, progress: dict[str, Any]) -> None:
        self._batches = progress["batches"]
        rate = progress["learning_rate"]
        if rate is not None:
            self.model.optimizer.learning_rate = rate
        self._rate = rate if progress["step"] else None
        self.model.resume(progress["epoch"], progress["step"], progress["position"])
        seeds.set_state(progress["random"])

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if self._rate is not None:  # a LearningRateScheduler has had its second turn in this epoch
            self.model.optimizer.learning_rate, self._rate = self._rate, None

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches >= int(self.save_freq):
            self._batches = 0
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint:
            for name in (_LATEST, _PREVIOUS):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(self._path(name))
            with contextlib.suppress(OSError):  # the folder has other files
                os.rmdir(self.backup_dir)

    def _path(self, name: str) -> str:
        return os.path.join(self.backup_dir, name)

    def _save(self, epoch: int, step: int) -> None:
        from pycnn.saving.training_state import save_training_state

        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint:
            with contextlib.suppress(FileNotFoundError):
                os.replace(self._path(_LATEST), self._path(_PREVIOUS))
        optimizer = self.model.optimizer
        progress = {
            "epoch": epoch,
            "step": step,
            "batches": self._batches,
            "learning_rate": None if optimizer.follows_schedule else float(optimizer.learning_rate),
            "position": self.model.training_position(),
            "random": seeds.get_state(),
        }
        save_training_state(self.model, self._path(_LATEST), progress)
