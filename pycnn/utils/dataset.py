"""The base of data sets that give one batch after the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from pycnn.core.arguments import as_int


class PyDataset:
    """Base of data sets that give `fit` one batch after the other: define `__len__` and `__getitem__`.

    Threads ask for batches before a step needs them: `__getitem__` runs beside the training, and with several
    workers beside itself. The order of the batches does not depend on that.

    Args:
        workers: number of threads that ask for batches; 0 for none: the program then waits for each batch.
        use_multiprocessing: has no effect: there are threads in any case. What NumPy and Pillow do in
            `__getitem__` runs on several cores in threads, too.
        max_queue_size: batches that are asked for before they are needed.

    Raises:
        TypeError, ValueError: if an argument is no such number.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> class Squares(keras.utils.PyDataset):
        ...     def __len__(self):
        ...         return 3  # batches
        ...     def __getitem__(self, i):
        ...         x = np.full((2, 1), float(i))
        ...         return x, x**2
        >>> len(list(Squares()))
        3
    """

    # For subclasses that do not call `__init__`.
    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = as_int("PyDataset: workers", workers, 0)
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = as_int("PyDataset: max_queue_size", max_queue_size, 1)

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} defines no __len__, the number of batches")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no __getitem__, the batch of a number")

    def __iter__(self) -> Iterator[Any]:
        size = self.num_batches
        return (self[i] for i in (count() if size is None else range(size)))

    @property
    def num_batches(self) -> int | None:
        """The number of batches; a property that returns None is for a data set without end."""
        return len(self)

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


Sequence = PyDataset
