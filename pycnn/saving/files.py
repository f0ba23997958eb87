"""Safetensors files: checked reading, and writing that never leaves half a file."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]
    Path: TypeAlias = str | os.PathLike[str]

SUFFIX = ".safetensors"
LARGEST = 1 << 32  # bytes of a file that is read


def checked_path(filepath: Path) -> str:
    """The path as a string; ValueError unless it ends in '.safetensors'."""
    path = os.fspath(filepath)
    if not isinstance(path, str):
        raise TypeError(f"The path {path!r} is a {type(path).__name__}; expected a string")
    if not path.endswith(SUFFIX):
        ending = os.path.splitext(path)[1] or "no ending"
        raise ValueError(f"{path!r} has {ending}, but models are kept in '{SUFFIX}' files: 'model{SUFFIX}'")
    return path


def write(path: str, arrays: Mapping[str, F32], metadata: Mapping[str, str], overwrite: bool) -> None:
    """Writes a file beside `path`, brings it to the disk, and only then gives it its name."""
    from safetensors.numpy import save

    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{path!r} exists already, and overwrite=False")
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise IsADirectoryError(f"{path!r} is a folder; expected the name of a file")
    beside = f"{target}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        with open(beside, "xb") as file:
            file.write(save(dict(arrays), dict(metadata)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(beside)
        raise
    _sync_folder(os.path.dirname(target))


def _sync_folder(folder: str) -> None:
    """Brings the new name to the disk as well, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Reader:
    """An open safetensors file whose header has been checked.

    Args:
        path: of the file.
        file: safetensors' object.
    """

    def __init__(self, path: str, file: Any) -> None:
        self.path = path
        self._file = file
        self.metadata: dict[str, str] = file.metadata() or {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        for name in file.keys():  # noqa: SIM118
            part = file.get_slice(name)
            self.shapes[name] = tuple(part.get_shape())
            if part.get_dtype() != "F32":
                raise ValueError(f"{path!r}: {name!r:.80} has dtype {part.get_dtype()}; expected F32")

    def array(self, name: str) -> F32:
        """The values of one name."""
        return np.asarray(self._file.get_tensor(name), np.float32)


@contextlib.contextmanager
def opened(filepath: Path) -> Iterator[Reader]:
    """Opens a file; FileNotFoundError where there is none, ValueError where it is no safetensors file."""
    from safetensors import SafetensorError, safe_open

    path = checked_path(filepath)
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no file {path!r}")
    if not os.path.isfile(path):
        raise IsADirectoryError(f"{path!r} is no file")
    size = os.path.getsize(path)
    if size > LARGEST:
        raise ValueError(f"{path!r} has {size:,} bytes; files above {LARGEST:,} are not read")
    with open(path, "rb"):  # safetensors hides why a file cannot be opened
        pass
    try:
        with safe_open(path, framework="numpy") as file:
            yield Reader(path, file)
    except SafetensorError as error:
        raise ValueError(f"{path!r} is no intact safetensors file: {error!s:.200}") from error
