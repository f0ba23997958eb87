"""What all data sets tell of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import os

    from pycnn.datasets.sources import Source


class Find(Protocol):
    """The function `find` of a data set."""

    def __call__(self, *, data_dir: str | os.PathLike[str] | None = None) -> Source:
        """Where `load_data` would take the data from."""


def finder(entry: str) -> Find:
    """The function `find` of the data set that has this name in the catalogue."""

    def find(*, data_dir: str | os.PathLike[str] | None = None) -> Source:
        """Tells where `load_data` would take the data from, without reading or downloading it.

        Args:
            data_dir: as in `load_data`.

        Returns:
            A `Source`: its `kind` is 'folder', 'cache', 'system' or 'download', `location` a path or an
            address, and `str(source)` is for people.

        Raises:
            FileNotFoundError: `data_dir` or `PYCNN_DATA` lacks a file.

        Example:
            >>> import pycnn
            >>> pycnn.datasets.mnist.find().kind in ("folder", "cache", "system", "download")
            True
        """
        from pycnn.datasets import catalogue, sources

        return sources.find(getattr(catalogue, entry), data_dir)

    return find
