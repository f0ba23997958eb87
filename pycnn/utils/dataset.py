"""The base of data sets that give one batch after the other."""

from __future__ import annotations

from typing import Any


class PyDataset:
    """Base of data sets that give `fit` one batch after the other: define `__len__` and `__getitem__`.

    Args:
        workers: has no effect, as the two that follow: batches are made when they are needed.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> class Squares(keras.utils.PyDataset):
        ...     def __len__(self):
        ...         return 3  # batches
        ...     def __getitem__(self, i):
        ...         x = np.full((2, 1), float(i))
        ...         return x, x**2
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} defines no __len__, the number of batches")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no __getitem__, the batch of a number")

    def on_epoch_end(self) -> None:
        """Called after each pass."""


Sequence = PyDataset
