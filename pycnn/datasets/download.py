"""Brings published files from their hosts into the cache: those of a data set, and single ones."""

from __future__ import annotations

import sys
from pathlib import Path

from pycnn.datasets.catalogue import Dataset
from pycnn.datasets.checksum import algorithm_of, is_intact
from pycnn.datasets.fetching import FetchError, fetch

__all__ = ["download", "download_file"]

_LARGEST = 1 << 28  # bytes; the largest file of a data set has 170 MB
_LARGEST_SINGLE = 1 << 31  # bytes; the largest weights have 1.4 GB


def download(dataset: Dataset, folder: Path) -> None:
    """Puts the files that `folder` lacks, or has damaged, into it.

    A file appears under its name only when it is whole and its SHA-256 is the published one. Hosts are tried
    in turn.

    Raises:
        OSError: the folder can't be written, or no host gave a file with the right checksum.
    """
    files = {dataset.form.published(name): dataset.sha256[name] for name in dataset.form.names}
    missing = [name for name, sha256 in files.items() if not is_intact(folder / name, sha256)]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    print(f"pycnn: {dataset.title}: downloading into {folder}", file=sys.stderr, flush=True)
    hosts = list(dataset.hosts)
    for name in missing:
        reasons = []
        for host in list(hosts):
            try:
                fetch(f"{host}{name}", folder / name, files[name], "sha256", _LARGEST)
                break
            except FetchError as error:
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
        fetch(address, path, checksum, algorithm_of(checksum or "") or "sha256", _LARGEST_SINGLE)
    except FetchError as error:
        raise OSError(str(error)) from error
