"""Arrays of a file on their way into a model: all are compared before the first one is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from pycnn.core.variable import Variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]
    Target: TypeAlias = Variable | F32


class Source(Protocol):
    """An array in a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""

    def read_into(self, array: F32) -> None:
        """Reads the values into an array of this shape."""


class Restoring:
    """Pairs of an array in a file and what gets its values: a weight, or an array of an optimizer."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Target, Source]] = []
        self._last: list[Callable[[], None]] = []

    def at_the_end(self, function: Callable[[], None]) -> None:
        """Notes a function to be called when everything has been read."""
        self._last.append(function)

    def add(self, target: Target, source: Source) -> None:
        """Notes a pair, whose shapes are the same."""
        self._pairs.append((target, source))

    def into_new_model(self) -> None:
        """Reads straight into a model that nobody else has seen yet."""
        for target, source in self._pairs:
            if isinstance(target, Variable):
                target.fill(source.read_into)
            else:
                source.read_into(target)
        self._finish()

    def into_model(self) -> None:
        """Reads everything, and only then changes the model."""
        arrays = [np.empty(target.shape, np.float32) for target, _ in self._pairs]
        for array, (_, source) in zip(arrays, self._pairs, strict=True):
            source.read_into(array)
        for array, (target, _) in zip(arrays, self._pairs, strict=True):
            if isinstance(target, Variable):
                target.assign(array)
            else:
                target[...] = array
        self._finish()

    def _finish(self) -> None:
        for function in self._last:
            function()
