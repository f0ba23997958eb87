"""Unpacks tar and zip archives that somebody else has made."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

_LARGEST_RATIO = 100  # bytes unpacked for one of the archive
_ALWAYS_FINE = 1 << 24  # bytes unpacked, whatever the archive's size
_BLOCK = 1 << 20
# RuntimeError is that of an encrypted zip file.
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class _Member(NamedTuple):
    name: str
    is_folder: bool
    is_file: bool
    file: Any  # a function that opens it


def extract(archive: Path, folder: Path, formats: Sequence[str]) -> bool:
    """Unpacks an archive into a folder, which takes its name when all of it is there.

    Args:
        archive: the file.
        folder: that is made; one of that name is replaced.
        formats: 'tar', 'zip' or both.

    Returns:
        Whether it is such an archive; nothing is done otherwise.

    Raises:
        ValueError: if the archive is damaged, a member would land outside of the folder or is neither a file
            nor a folder, or the archive unpacks to more than a hundred times its size.
    """
    if "tar" in formats and tarfile.is_tarfile(archive):
        opened: Any = tarfile.open(archive)  # noqa: SIM115
        members: Any = _of_tar
    elif "zip" in formats and zipfile.is_zipfile(archive):
        opened = zipfile.ZipFile(archive)
        members = _of_zip
    else:
        return False
    most = max(_LARGEST_RATIO * archive.stat().st_size, _ALWAYS_FINE)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        with opened as content:
            for member in members(content):
                most = _unpack(member, beside, most, archive)
        beside.chmod(0o755)
        if folder.is_dir():
            shutil.rmtree(folder)
        beside.rename(folder)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise ValueError(f"{archive} is damaged, or of a kind that is not read: {error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


def _of_tar(archive: tarfile.TarFile) -> Iterator[_Member]:
    for info in archive:
        yield _Member(info.name, info.isdir(), info.isfile(), lambda info=info: archive.extractfile(info))


def _of_zip(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        kind = info.external_attr >> 28  # of a file of Unix: 8; 0 where that is not known
        is_file = not info.is_dir() and kind in (0, 8)
        yield _Member(info.filename, info.is_dir(), is_file, lambda info=info: archive.open(info))


def _unpack(member: _Member, folder: Path, most: int, archive: Path) -> int:
    """Writes one member of at most `most` bytes; returns how many are left."""
    parts = PurePosixPath(member.name.replace("\\", "/")).parts
    if not member.name or ".." in parts or member.name.startswith("/") or ":" in member.name.split("/")[0]:
        raise ValueError(f"{archive} is not safe: its member {member.name!r:.200} would land outside")
    path = folder.joinpath(*parts)
    if member.is_folder:
        path.mkdir(parents=True, exist_ok=True)
        return most
    if not member.is_file:
        raise ValueError(f"{archive} is not safe: its member {member.name!r:.200} is no file")
    path.parent.mkdir(parents=True, exist_ok=True)
    with member.file() as source, path.open("wb") as target:
        return most - _copied(source, target, most, archive)


def _copied(source: IO[bytes], target: IO[bytes], most: int, archive: Path) -> int:
    count = 0
    while block := source.read(_BLOCK):
        count += len(block)
        if count > most:
            raise ValueError(
                f"{archive} is not safe: it unpacks to more than {_LARGEST_RATIO} times its size"
            )
        target.write(block)
    return count
