"""Files from the network, which take their name only when they are whole."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["TIMEOUT", "FetchError", "fetch"]

TIMEOUT = 10.0  # seconds that a host may stay silent
_BLOCK = 1 << 16


class FetchError(Exception):
    """A host did not give the file; another one may."""


def fetch(address: str, path: Path, digest: str | None, algorithm: str, largest: int | None = None) -> None:
    """Downloads a file.

    Args:
        address: of the file.
        path: where it goes.
        digest: its checksum, hexadecimal; None where it is not known.
        algorithm: of the checksum, as `hashlib` calls it.
        largest: bytes that it may have; None for any number.

    Raises:
        FetchError: if there is no such file, or it is not the right one.
        OSError: if it cannot be written.
    """
    found = hashlib.new(algorithm)
    with _replacing(path) as file:
        for block in _blocks(address, path.name, largest):
            found.update(block)
            file.write(block)
        if digest is not None and found.hexdigest() != digest.lower():
            name = "SHA-256" if algorithm == "sha256" else algorithm.upper()
            raise FetchError(f"{address}: {name} is {found.hexdigest()}, expected {digest}")


def _blocks(address: str, title: str, largest: int | None) -> Iterator[bytes]:
    """What the host answers, piece by piece, with a progress bar; its errors as FetchError."""
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(address, headers={"User-Agent": "pycnn"}), timeout=TIMEOUT) as answer:
            size = int(answer.headers.get("Content-Length") or 0)
            received = 0
            with _progress(title, size) as advance:
                while block := answer.read(_BLOCK):
                    received += len(block)
                    if largest is not None and received > largest:
                        raise FetchError(f"{address}: more than {largest:,} bytes")
                    yield block
                    advance(len(block))
            if received < size:
                raise FetchError(f"{address}: ended after {received:,} of {size:,} bytes")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchError(
            f"{address}: {getattr(error, 'reason', None) or error or type(error).__name__}"
        ) from error


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write beside `path`; it takes its place when the block ends well, else it goes away."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _progress(title: str, size: int) -> Iterator[Callable[[int], object]]:
    """Shows a bar on stderr where that is a terminal; yields the function to tell how many bytes came."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda received: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=size or None)
        yield lambda received: progress.advance(task, received)
