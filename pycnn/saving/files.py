"""Files that appear whole or not at all, and files that are looked at before they are read."""

from __future__ import annotations

import contextlib
import glob
import io
import os
import stat
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

if TYPE_CHECKING:
    Path: TypeAlias = str | os.PathLike[str]

LARGEST = 1 << 32  # bytes of a file that is read


def path_string(filepath: Path) -> str:
    """The path as a string; TypeError where it is none."""
    path = os.fspath(filepath)
    if not isinstance(path, str):
        raise TypeError(f"The path {path!r} is a {type(path).__name__}; expected a string")
    return path


# --- writing ------------------------------------------------------------------------------------------------
def write(path: str, overwrite: bool, fill: Callable[[BinaryIO], object]) -> None:
    """Writes a file beside `path`, brings it to the disk, and only then gives it its name.

    A file that is replaced hands its permissions on. What killed processes have left of this path is removed.

    Args:
        path: of the file.
        overwrite: whether a file of that name may be replaced.
        fill: writes the content to a binary file.

    Raises:
        FileExistsError: if there is such a file and it must not be replaced.
        OSError: if it cannot be written; then nothing has changed.
    """
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{path!r} exists already, and overwrite=False")
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise IsADirectoryError(f"{path!r} is a folder; expected the name of a file")
    if not os.path.isdir(folder := os.path.dirname(target)):
        raise FileNotFoundError(f"{path!r} cannot be written: there is no folder {folder!r}")
    replaced = os.stat(target) if os.path.exists(target) else None
    if replaced is not None and not os.access(target, os.W_OK):
        raise PermissionError(f"{path!r} may not be written")
    _remove_leftovers(target)
    beside, handle = _created(target, 0o666 if replaced is None else 0o600)
    try:
        with os.fdopen(handle, "w+b") as file:
            fill(file)
            file.flush()
            if replaced is not None:
                _take_over_permissions(beside, replaced)
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(beside)
        raise
    _sync_folder(os.path.dirname(target))


def _created(target: str, mode: int) -> tuple[str, int]:
    """A new file beside the target, locked for as long as it is open, and its descriptor."""
    while True:
        beside = f"{target}.{uuid.uuid4().hex[:8]}.tmp"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        handle = os.open(beside, flags, mode)
        with contextlib.suppress(OSError):
            _lock(handle)
        if os.fstat(handle).st_nlink or os.name == "nt":  # else another save took it for a leftover
            return beside, handle
        os.close(handle)


def _lock(handle: int) -> None:
    """Marks a file as being written; BlockingIOError if another process writes it."""
    if os.name != "nt":  # Windows does not remove files that are open
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_leftovers(target: str) -> None:
    """Removes files of saves that were killed: those beside the target that nobody has locked."""
    for leftover in glob.glob(f"{glob.escape(target)}.{'[0-9a-f]' * 8}.tmp"):
        with contextlib.suppress(OSError):
            handle = os.open(leftover, os.O_RDWR)
            try:
                _lock(handle)
                if os.name != "nt":
                    os.remove(leftover)
            finally:
                os.close(handle)
            if os.name == "nt":
                os.remove(leftover)


def _take_over_permissions(path: str, replaced: os.stat_result) -> None:
    """Gives a file the group and the permissions of the one that it replaces, or fewer of them."""
    mode, own = stat.S_IMODE(replaced.st_mode), os.stat(path)
    if hasattr(os, "chown") and (own.st_uid, own.st_gid) != (replaced.st_uid, replaced.st_gid):
        try:
            os.chown(path, -1, replaced.st_gid)
        except OSError:
            mode &= ~stat.S_IRWXG  # these were for another group
        with contextlib.suppress(OSError):
            os.chown(path, replaced.st_uid, -1)
    os.chmod(path, mode)


def _sync_folder(folder: str) -> None:
    """Brings the new name to the disk as well, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- reading ------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Opens an ordinary file of at most 4 GiB.

    Raises:
        FileNotFoundError: if there is none.
        IsADirectoryError, ValueError: if it is no file, or too large.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no file {path!r}")
    if not os.path.isfile(path):
        raise IsADirectoryError(f"{path!r} is no file")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST:
            raise ValueError(f"{path!r} has {size:,} bytes; files above {LARGEST:,} are not read")
        yield cast("BinaryIO", file)


class Part(io.RawIOBase):
    """A range of a file as a file of its own, which never ends before its size: HDF5 takes that for zeros.

    Args:
        path: of the file, for messages.
        file: the file.
        begin: where the range begins.
        size: how long it is.
    """

    def __init__(self, path: str, file: Any, begin: int, size: int) -> None:
        super().__init__()
        self._path = path
        self._file = file
        self._begin = begin
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}
        self._position = starts[whence] + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")[: max(self._size - self._position, 0)]
        self._file.seek(self._begin + self._position)
        done = 0
        while done < len(view):
            count = self._file.readinto(view[done:])
            if not count:
                raise ValueError(f"{self._path!r} has become shorter while it was read")
            done += count
        self._position += done
        return done
