"""Brings a data set's files from the hosts that publish it into the cache."""

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

from pycnn.datasets.catalogue import FILES, Dataset
from pycnn.datasets.checksum import is_intact

__all__ = ["TIMEOUT", "download"]

TIMEOUT = 10.0  # seconds that a host may stay silent
_LARGEST = 1 << 28  # bytes; the largest file published has 26 MB
_BLOCK = 1 << 16


def download(dataset: Dataset, folder: Path) -> None:
    """Puts the files that `folder` lacks, or has damaged, into it.

    A file appears under its name only when it is whole and its SHA-256 is the published one. Hosts are tried
    in turn.

    Raises:
        OSError: the folder can't be written, or no host gave a file with the right checksum.
    """
    missing = [name for name in FILES if not is_intact(folder / f"{name}.gz", dataset.sha256[name])]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    print(f"pycnn: {dataset.title}: downloading into {folder}", file=sys.stderr, flush=True)
    hosts = list(dataset.hosts)
    for name in missing:
        reasons = []
        for host in list(hosts):
            try:
                _fetch(f"{host}{name}.gz", folder / f"{name}.gz", dataset.sha256[name])
                break
            except _HostError as error:
                reasons.append(str(error))
                hosts.remove(host)  # one that failed is not asked again
        else:
            raise OSError("; ".join(reasons) or "no host is left")


class _HostError(Exception):
    """A host did not give the file; another one may."""


def _fetch(address: str, path: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with _replacing(path) as file:
        for block in _blocks(address, path.name):
            digest.update(block)
            file.write(block)
        if digest.hexdigest() != sha256:
            raise _HostError(f"{address}: SHA-256 is {digest.hexdigest()}, expected {sha256}")


def _blocks(address: str, title: str) -> Iterator[bytes]:
    """What the host answers, piece by piece, with a progress bar; its errors as _HostError."""
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(address, headers={"User-Agent": "pycnn"}), timeout=TIMEOUT) as answer:
            size = int(answer.headers.get("Content-Length") or 0)
            received = 0
            with _progress(title, size) as advance:
                while block := answer.read(_BLOCK):
                    received += len(block)
                    if received > _LARGEST:
                        raise _HostError(f"{address}: more than {_LARGEST:,} bytes")
                    yield block
                    advance(len(block))
            if received < size:
                raise _HostError(f"{address}: ended after {received:,} of {size:,} bytes")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _HostError(
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
    if not sys.stderr.isatty():
        yield lambda received: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=size or None)
        yield lambda received: progress.advance(task, received)
