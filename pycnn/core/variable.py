"""A weight of a layer: an array of its own at first, then a view into the network that runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pycnn._core import Network

    F32: TypeAlias = NDArray[np.float32]
    Initializer: TypeAlias = Callable[[tuple[int, ...]], F32]


class Variable:
    """A named float32 array of fixed shape.

    The first reader runs the initializer; a file that is loaded before never does. `network` is the network
    whose memory holds the values now (see `pycnn.core.program`).

    Example:
        >>> import pycnn as keras
        >>> layer = keras.layers.Dense(2, bias_initializer="ones")
        >>> layer.build((None, 3))
        >>> layer.bias.name, layer.bias.shape, layer.bias.numpy()
        ('bias', (2,), array([1., 1.], dtype=float32))
    """

    __slots__ = ("_array", "initializer", "name", "network", "path", "shape", "trainable")

    def __init__(
        self, path: str, shape: tuple[int, ...], initializer: Initializer, trainable: bool = True
    ) -> None:
        self.path = path
        self.name = path.rpartition("/")[2]
        self.shape = shape
        self.initializer = initializer
        self.trainable = trainable
        self.network: Network | None = None
        self._array: F32 | None = None

    @property
    def dtype(self) -> str:
        """Always 'float32'."""
        return "float32"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def value(self) -> F32:
        """The values, as a read-only view; `assign` writes."""
        if self._array is None:
            self._array = np.ascontiguousarray(self.initializer(self.shape), np.float32)
        view: F32 = self._array.view()
        view.flags.writeable = False
        return view

    def numpy(self) -> F32:
        """A copy of the values."""
        copy: F32 = self.value.copy()
        return copy

    def assign(self, value: ArrayLike) -> None:
        """Sets the values.

        Args:
            value: numbers of the variable's shape.

        Raises:
            ValueError: if the shape is another one.
        """
        array = np.asarray(value, np.float32)
        if array.shape != self.shape:
            raise ValueError(f"{self.path}: the new value has shape {array.shape}, expected {self.shape}")
        if self._array is None:
            self._array = array.copy()
        else:
            self._array[...] = array
        if self.network is not None:
            self.network.touch()

    def move(self, network: Network, view: F32) -> None:
        """From now on the values live in `view`, memory of `network`."""
        view[...] = self.initializer(self.shape) if self._array is None else self._array
        self._array = view
        self.network = network

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype=float32, value={self.value}>"
