"""CIFAR-10: 60,000 colour pictures, 32 x 32 pixels, in 10 classes (Krizhevsky, 2009)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn.datasets.finder import finder

if TYPE_CHECKING:
    import os

    from pycnn.datasets.sources import Data

__all__ = ["class_names", "find", "load_data"]

class_names = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def load_data(*, data_dir: str | os.PathLike[str] | None = None) -> Data:
    """Returns `((x_train, y_train), (x_test, y_test))`, as Keras does.

    Args:
        data_dir: a folder that has `cifar-10-binary.tar.gz` (the binary version, which nothing has to be
            unpickled from) or its unpacked files, itself or in a folder `cifar-10`, `cifar10` or
            `cifar-10-batches-bin` inside it. Without it, see `pycnn.datasets` for where the data is looked
            for.

    Returns:
        x_train uint8 (50000, 32, 32, 3), y_train uint8 (50000, 1) with indices of `class_names`,
        x_test (10000, 32, 32, 3), y_test (10000, 1).

    Raises:
        FileNotFoundError: the data is nowhere on this machine and could not be downloaded, or `data_dir` or
            `PYCNN_DATA` lacks it.
        ValueError: a file is truncated, corrupt or of another kind.

    Example:
        >>> import pycnn
        >>> (x_train, y_train), _ = pycnn.datasets.cifar10.load_data()  # doctest: +SKIP
        >>> pycnn.datasets.cifar10.class_names[y_train[0, 0]]  # doctest: +SKIP
        'frog'
    """
    from pycnn.datasets import catalogue, sources

    return sources.load(catalogue.CIFAR10, data_dir)


find = finder("CIFAR10")
