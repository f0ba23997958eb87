"""Brings published files from their hosts into the cache: those of a data set, and single ones."""

from __future__ import annotations

import http.client
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pycnn.datasets.catalogue import FILES, Dataset
from pycnn.datasets.checksum import hasher, is_intact

__all__ = ["TIMEOUT", "download", "download_file"]

TIMEOUT = 10.0  # seconds that a host may stay silent
_LARGEST = 1 << 28  # bytes; the largest file of a data set has 26 MB
_LARGEST_SINGLE = 1 << 31  # bytes; the largest weights have 1.4 GB
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


def download_file(address: str, path: Path, checksum: str | None) -> None:
    """Puts one file at `path`, unless it is there and intact.

    Args:
        address: of the file.
        path: appears only when the file is whole.
        checksum: MD5 or SHA-256 in hexadecimal digits; None where none is known.

    Raises:
        OSError: if the folder can't be written, or the host did not give the file with that checksum.
    """
    if path.is_file() if checksum is None else is_intact(path, checksum):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    print(f"pycnn: downloading {address} into {path.parent}", file=sys.stderr, flush=True)
    try:
        _fetch(address, path, checksum, _LARGEST_SINGLE)
    except _HostError as error:
        raise OSError(str(error)) from error


class _HostError(Exception):
    """A host did not give the file; another one may."""


def _fetch(address: str, path: Path, checksum: str | None, largest: int = _LARGEST) -> None:
    digest = hasher(checksum or "")
    with _replacing(path) as file:
        for block in _blocks(address, path.name, largest):
            digest.update(block)
            file.write(block)
        if checksum is not None and digest.hexdigest() != checksum:
            kind = "MD5" if len(checksum) == 32 else "SHA-256"
            raise _HostError(f"{address}: {kind} is {digest.hexdigest()}, expected {checksum}")


def _blocks(address: str, title: str, largest: int) -> Iterator[bytes]:
    """What the host answers, piece by piece, with a progress bar; its errors as _HostError."""
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(address, headers={"User-Agent": "pycnn"}), timeout=TIMEOUT) as answer:
            size = int(answer.headers.get("Content-Length") or 0)
            received = 0
            with _progress(title, size) as advance:
                while block := answer.read(_BLOCK):
                    received += len(block)
                    if received > largest:
                        raise _HostError(f"{address}: more than {largest:,} bytes")
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
