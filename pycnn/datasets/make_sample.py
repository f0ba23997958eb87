"""Makes the sample of Fashion-MNIST that is inside the package.

`python -m pycnn.datasets.make_sample [FILE]` writes it. It has the first 300 training and 100 test images of
every class, in the order of the full data set.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pycnn.datasets import fashion_mnist
from pycnn.datasets.catalogue import FASHION_MNIST

__all__ = ["first_of_each", "main", "make_sample"]

TRAIN_PER_CLASS = 300
TEST_PER_CLASS = 100


def first_of_each(labels: NDArray[np.uint8], count: int) -> NDArray[np.intp]:
    """Indices, rising, of the first `count` samples of every class.

    Example:
        >>> first_of_each(np.array([1, 0, 0, 1, 1, 0], np.uint8), 2).tolist()
        [0, 1, 2, 3]
    """
    return np.sort(
        np.concatenate([np.flatnonzero(labels == c)[:count] for c in range(FASHION_MNIST.classes)])
    )


def make_sample(path: Path) -> None:
    """Writes the sample, taken from the full data set, to `path`."""
    (x, y), (x_test, y_test) = fashion_mnist.load_data()
    if (len(x), len(x_test)) != FASHION_MNIST.counts:
        raise FileNotFoundError("the sample is made from the full data set, which is not on this machine")
    train, test = first_of_each(y, TRAIN_PER_CLASS), first_of_each(y_test, TEST_PER_CLASS)
    np.savez_compressed(path, x_train=x[train], y_train=y[train], x_test=x_test[test], y_test=y_test[test])


def main() -> None:
    """Writes the file named in the command line, or the one in the package."""
    assert FASHION_MNIST.sample is not None
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FASHION_MNIST.sample
    make_sample(path)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
