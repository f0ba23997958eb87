"""MNIST: 70,000 grey pictures of handwritten digits, 28 x 28 pixels (LeCun, Cortes and Burges, 1998)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn.datasets.finder import finder

if TYPE_CHECKING:
    import os

    from pycnn.datasets.sources import Data

__all__ = ["class_names", "find", "load_data"]

class_names = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


def load_data(
    path: str | os.PathLike[str] = "mnist.npz", *, data_dir: str | os.PathLike[str] | None = None
) -> Data:
    """Returns `((x_train, y_train), (x_test, y_test))`, as Keras does.

    Args:
        path: an .npz file with the arrays x_train, y_train, x_test and y_test, as Keras keeps it. The default
            name means: look for the data as `pycnn.datasets` tells, unless a file of that name is in the
            current folder.
        data_dir: a folder that has the four idx files, packed with gzip or not, itself or in a folder `mnist`
            or `MNIST/raw` inside it.

    Returns:
        x_train uint8 (60000, 28, 28) with 0 as the background, y_train uint8 (60000,) with the digits,
        x_test (10000, 28, 28), y_test (10000,).

    Raises:
        FileNotFoundError: the data is nowhere on this machine and could not be downloaded, or `path`,
            `data_dir` or `PYCNN_DATA` lacks it.
        ValueError: a file is truncated, corrupt or of another kind.

    Example:
        >>> import pycnn
        >>> (x_train, y_train), _ = pycnn.datasets.mnist.load_data()  # doctest: +SKIP
        >>> pycnn.datasets.mnist.class_names[y_train[0]]  # doctest: +SKIP
        '5'
    """
    from pycnn.datasets import catalogue, sources

    return sources.load_npz_or(catalogue.MNIST, path, data_dir)


find = finder("MNIST")
