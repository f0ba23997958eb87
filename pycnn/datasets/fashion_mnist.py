"""Fashion-MNIST: 70,000 grey pictures of clothes, 28 x 28 pixels, in 10 classes (Xiao and others, 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn.datasets.finder import finder

if TYPE_CHECKING:
    import os

    from pycnn.datasets.sources import Data

__all__ = ["class_names", "find", "load_data"]

class_names = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def load_data(*, data_dir: str | os.PathLike[str] | None = None) -> Data:
    """Returns `((x_train, y_train), (x_test, y_test))`, as Keras does.

    Args:
        data_dir: a folder that has the four idx files, packed with gzip or not, itself or in a folder
            `fashion-mnist`, `fashion_mnist` or `FashionMNIST/raw` inside it. Without it, see `pycnn.datasets`
            for where the data is looked for.

    Returns:
        x_train uint8 (60000, 28, 28) with 0 as the background, y_train uint8 (60000,) with indices of
        `class_names`, x_test (10000, 28, 28), y_test (10000,). Fewer where the sample inside the package is
        used.

    Raises:
        FileNotFoundError: `data_dir` or `PYCNN_DATA` lacks a file.
        ValueError: a file is truncated, corrupt or of another kind.

    Example:
        >>> import pycnn
        >>> (x_train, y_train), (x_test, y_test) = pycnn.datasets.fashion_mnist.load_data()
        >>> x_train.shape[1:], x_train.dtype.name, len(x_train) == len(y_train)
        ((28, 28), 'uint8', True)
    """
    from pycnn.datasets import catalogue, sources

    return sources.load(catalogue.FASHION_MNIST, data_dir)


find = finder("FASHION_MNIST")
