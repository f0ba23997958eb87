"""Training images changed at random, and the views of a test image whose predictions are averaged."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core import seeds
from pycnn.utils import PyDataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Augmented", "views"]

_SCALE = np.float32(1 / 255)


class Augmented(PyDataset):
    """Batches for `fit`, in a new order in each epoch: images moved, mirrored, a rectangle erased.

    Every image is moved by up to `shift` pixels both ways (zeros come in), and mirrored with probability 1/2.
    The random numbers start from `keras.utils.set_random_seed`. Give it to `fit` with shuffle=False.

    Args:
        pixels: uint8 (n, h, w); batches are float32 (size, h, w, 1) in [0, 1].
        y: what belongs to the images, an array (n, ...).
        size: images in a batch.
        shift: pixels, at least 0.
        erase: longest side in pixels of the rectangle that becomes black; 0 for none. Its height and width
            are drawn from 1 to that, its centre from the whole image. After Zhong et al., "Random erasing
            data augmentation", 2020.

    Example:
        >>> import numpy as np
        >>> x, y = Augmented(np.full((5, 28, 28), 255, np.uint8), np.arange(5), 2, shift=1)[0]
        >>> x.shape, float(x.max()), len(y)
        ((2, 28, 28, 1), 1.0, 2)
    """

    def __init__(self, pixels: NDArray[np.uint8], y: Any, size: int, shift: int, erase: int = 0) -> None:
        super().__init__()
        self._windows = _windows(pixels, shift)
        self._y, self._size, self._shift, self._erase = y, size, shift, erase
        self._rng = np.random.default_rng(seeds.next_seed())
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._y) / self._size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"there is no batch {index}; expected a number from 0 to {len(self) - 1}")
        rows = self._order[index * self._size : (index + 1) * self._size]
        down, right = self._rng.integers(0, 2 * self._shift + 1, (2, len(rows)))
        pixels = self._windows[rows, down, right]
        mirrored = np.flatnonzero(self._rng.random(len(rows)) < 0.5)
        pixels[mirrored] = pixels[mirrored, :, ::-1]
        if self._erase:
            pixels[self._rectangles(*pixels.shape)] = 0
        return pixels[..., None] * _SCALE, self._y[rows]

    def on_epoch_end(self) -> None:
        """Draws a new order."""
        self._order = self._rng.permutation(len(self._y))

    def _rectangles(self, n: int, height: int, width: int) -> NDArray[np.bool_]:
        """Where the images (n, height, width) become black."""
        inside = []
        for length in (height, width):
            side = self._rng.integers(1, self._erase + 1, (n, 1))
            first = self._rng.integers(0, length, (n, 1)) - side // 2
            place = np.arange(length)
            inside.append((place >= first) & (place < first + side))
        rectangles: NDArray[np.bool_] = inside[0][:, :, None] & inside[1][:, None, :]
        return rectangles


def views(pixels: NDArray[np.uint8]) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """18 views of each image, with the weight of each: moved by up to a pixel both ways; each mirrored too.

    The weights over the places are 1, 2, 1 each way. Chosen on 10,000 training images held out.

    Args:
        pixels: uint8 (n, h, w).

    Returns:
        Pairs of a weight (all add up to 1) and images, float32 (n, h, w, 1) in [0, 1].
    """
    windows = _windows(pixels, 1)
    weights = (1, 2, 1)
    for down, right in itertools.product(range(3), repeat=2):
        image = windows[:, down, right, :, :, None] * _SCALE
        weight = weights[down] * weights[right] / 32
        yield weight, image
        yield weight, np.ascontiguousarray(image[:, :, ::-1])


def _windows(pixels: NDArray[np.uint8], shift: int) -> NDArray[np.uint8]:
    """(n, 2 shift + 1, 2 shift + 1, h, w): each image in all its places, views of bordered ones."""
    border = np.pad(pixels, ((0, 0), (shift, shift), (shift, shift)))
    return np.lib.stride_tricks.sliding_window_view(border, pixels.shape[1:], (1, 2))
