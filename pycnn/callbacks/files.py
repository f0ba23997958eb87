"""The callback that keeps the logs of epochs in a file: CSVLogger."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO, Any

from pycnn.callbacks.base import Callback, Logs


class CSVLogger(Callback):
    """Writes the logs of each epoch as a line of a CSV file.

    The columns are 'epoch' (from 0) and the names of the first epoch's logs in order; if it had no
    validation, columns `val_...` are there as well. What an epoch lacks is 'NA'.

    Args:
        filename: of the file.
        separator: between values.
        append: whether lines are added to a file that is there, without a second heading.

    Raises:
        TypeError: if the separator is not one character.
        OSError: when the training begins, if the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> import pycnn as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(keras.optimizers.SGD(0.0), "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "log.csv")
        ...     log = keras.callbacks.CSVLogger(path)
        ...     _ = model.fit(np.ones((4, 2)), np.ones(4), callbacks=[log], verbose=0)
        ...     path.read_text().split()
        ['epoch,loss,val_loss', '0,1.0,NA']
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if not isinstance(separator, str) or len(separator) != 1:
            raise TypeError(f"CSVLogger: separator is {separator!r}; expected one character")
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self.csv_file: IO[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        import csv

        self._close()
        has_lines = self.append and os.path.isfile(self.filename) and os.path.getsize(self.filename) > 0
        self.csv_file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")  # noqa: SIM115
        self._writer = csv.writer(self.csv_file, delimiter=self.sep)
        self._needs_heading = not has_lines
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.csv_file is None:
            return
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
            if self._needs_heading:
                self._writer.writerow(["epoch", *self.keys])
        self._writer.writerow([epoch, *(_as_cell(logs.get(key, "NA")) for key in self.keys)])
        self.csv_file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
            self.csv_file = None


def _as_cell(value: Any) -> Any:
    """A value as it is written; several as a list in quotes."""
    if isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
