"""The forms in which data sets are published: which files there are, and how arrays are read from them."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pycnn.datasets.checksum import is_intact
from pycnn.datasets.idx import read_idx

__all__ = ["FILES", "CifarForm", "Form", "IdxForm"]

Bytes = NDArray[np.uint8]

# The order of load_data's arrays: training images and labels, then test images and labels.
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class Form(Protocol):
    """What is asked of a form."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names under which checksums are listed."""

    @property
    def wanted(self) -> str:
        """The files to put into a folder, for messages."""

    def published(self, name: str) -> str:
        """The file that hosts have."""

    def missing(self, folder: Path) -> list[str]:
        """What a folder lacks; nothing where it has the data."""

    def damaged(self, folder: Path, sha256: Mapping[str, str]) -> list[Path]:
        """Files of a folder that are not as published."""

    def read(self, folder: Path) -> tuple[list[Bytes], list[str]]:
        """The four arrays, and where each of them comes from, for messages."""


class IdxForm:
    """Four idx files, packed with gzip or not."""

    names = FILES

    @property
    def wanted(self) -> str:
        return ", ".join(map(self.published, FILES))

    def published(self, name: str) -> str:
        return f"{name}.gz"

    def missing(self, folder: Path) -> list[str]:
        return [f"{name}[.gz]" for name in FILES if not self._file(folder, name).is_file()]

    def damaged(self, folder: Path, sha256: Mapping[str, str]) -> list[Path]:
        return [path for name in FILES if not is_intact(path := self._file(folder, name), sha256[name])]

    def read(self, folder: Path) -> tuple[list[Bytes], list[str]]:
        paths = [self._file(folder, name) for name in FILES]
        arrays = [read_idx(path, 3 if "images" in path.name else 1) for path in paths]
        return arrays, [str(path) for path in paths]

    def _file(self, folder: Path, name: str) -> Path:
        """The packed file where it is there, else the plain one; it may not exist."""
        packed = folder / self.published(name)
        plain = folder / name
        return plain if plain.is_file() and not packed.is_file() else packed


class CifarForm(NamedTuple):
    """The binary version of CIFAR, in its archive or unpacked (cs.toronto.edu/~kriz/cifar.html).

    A record has one or two labels, a byte each, and the red, green and blue planes of 32 x 32 bytes.
    """

    archive: str
    inside: str  # the folder in the archive
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: int  # of a record
    label: int  # number of the one that is read

    @property
    def names(self) -> tuple[str, ...]:
        return (self.archive,)

    @property
    def wanted(self) -> str:
        return self.archive

    def published(self, name: str) -> str:
        return name

    def missing(self, folder: Path) -> list[str]:
        if (folder / self.archive).is_file() or self._unpacked(folder) is not None:
            return []
        return [self.archive]

    def damaged(self, folder: Path, sha256: Mapping[str, str]) -> list[Path]:
        path = folder / self.archive
        return [] if is_intact(path, sha256[self.archive]) else [path]

    def read(self, folder: Path) -> tuple[list[Bytes], list[str]]:
        unpacked = self._unpacked(folder)
        archive = folder / self.archive
        if archive.is_file():
            content, where = self._from_archive(archive), str(archive)
        else:
            assert unpacked is not None
            content = {name: _read(unpacked / name) for name in (*self.train, *self.test)}
            where = str(unpacked)
        arrays, names = [], []
        for files in (self.train, self.test):
            parts = [self._records(f"{where}: {name}", content[name]) for name in files]
            records = np.concatenate(parts) if len(parts) > 1 else parts[0]
            planes = records[:, self.labels :].reshape(-1, 3, 32, 32)
            arrays += [np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, [self.label]]]
            names += [f"{where}: {', '.join(files)}"] * 2
        return arrays, names

    def _unpacked(self, folder: Path) -> Path | None:
        """The folder with the unpacked files, itself or inside."""
        for found in (folder, folder / self.inside):
            if all((found / name).is_file() for name in (*self.train, *self.test)):
                return found
        return None

    def _from_archive(self, path: Path) -> dict[str, bytes]:
        wanted = {f"{self.inside}/{name}": name for name in (*self.train, *self.test)}
        content: dict[str, bytes] = {}
        try:
            with tarfile.open(path, "r:gz") as archive:
                for member in archive:
                    name = wanted.get(member.name.removeprefix("./"))
                    file = archive.extractfile(member) if name is not None and member.isfile() else None
                    if name is not None and file is not None:
                        content[name] = _limited(f"{path}: {member.name}", file)  # type: ignore[arg-type]
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise ValueError(f"{path} is truncated or corrupt: {error}") from error
        if missing := [name for name in (*self.train, *self.test) if name not in content]:
            raise ValueError(f"{path} lacks {', '.join(f'{self.inside}/{name}' for name in missing)}")
        return content

    def _records(self, what: str, content: bytes) -> Bytes:
        size = self.labels + 3 * 32 * 32
        if not content or len(content) % size:
            raise ValueError(f"{what} has {len(content):,} bytes; expected records of {size:,}")
        return np.frombuffer(content, np.uint8).reshape(-1, size)


_LARGEST = 1 << 28  # bytes; the largest file published has 154 MB


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return _limited(str(path), file)


def _limited(what: str, file: BinaryIO) -> bytes:
    content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"{what} has more than {_LARGEST:,} bytes")
    return content
