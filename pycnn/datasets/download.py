"""Brings a data set's files from the hosts that publish it into the cache."""

from __future__ import annotations

import sys
from pathlib import Path

from pycnn.datasets.catalogue import Dataset
from pycnn.datasets.checksum import is_intact
from pycnn.datasets.fetching import FetchError, fetch

__all__ = ["download"]

_LARGEST = 1 << 28  # bytes; the largest file published has 170 MB


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
