"""Files that Keras' authors publish: into the cache that Keras has, checked by their digests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

_HOST = "https://storage.googleapis.com/"
KERAS = f"{_HOST}tensorflow/keras-applications/"


class File(NamedTuple):
    """A published file."""

    address: str
    digest: str | None  # MD5 or SHA-256; None where none is published
    name: str | None = None  # in the cache; None for the address's last part


def weights(given: Any, path: str, top: str | None, bare: str | None) -> File:
    """The file of a network's weights, with its classifier or without it, by the digests of both."""
    if given.include_top:
        return File(f"{KERAS}{path}.h5", top)
    return File(f"{KERAS}{path}_notop.h5", bare)


def cache_folder() -> Path:
    """Where Keras keeps such files: `models` in KERAS_HOME, or else in ~/.keras."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home).expanduser() if home else Path.home() / ".keras") / "models"


def fetched(file: File, user: str) -> Path:
    """The file in the cache, downloaded where it is not there or is damaged.

    Args:
        file: to get.
        user: what it is for, for messages.

    Raises:
        FileNotFoundError: if it is not there and could not be downloaded.
    """
    from pycnn.datasets.download import download_file

    path = cache_folder() / (file.name or file.address.rpartition("/")[2])
    try:
        download_file(file.address, path, file.digest)
    except OSError as error:
        state = "is not the published file (by its checksum)" if path.is_file() else "is not there"
        raise FileNotFoundError(
            f"{user}: {path} {state}, and could not be downloaded ({error}). Put the file {file.address} "
            f"there"
        ) from error
    return path
