"""Tensors by name that PyTorch saved: by `torch.save(model.state_dict(), path)`, or as safetensors."""

from __future__ import annotations

import contextlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias

import numpy as np

from pycnn.saving import torch_pickle
from pycnn.saving.files import opened
from pycnn.saving.number_formats import STORED, as_float32
from pycnn.saving.tensor_file import Reader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]

TORCH, SAFETENSORS = (".pth", ".pt"), (".safetensors",)
_OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how files began before PyTorch 1.6
_LARGEST_DESCRIPTION = 1 << 26  # bytes
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError, ValueError)


class Stored(Protocol):
    """A tensor in an open file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, as PyTorch has it."""

    @property
    def number_format(self) -> str:
        """Its number format, by the name in safetensors files."""

    def read_into(self, array: F32) -> None:
        """Reads the values into an array of this shape."""


@contextlib.contextmanager
def opened_state_dict(path: str) -> Iterator[Mapping[str, Stored]]:
    """The tensors in a file by their names. Nothing in the file is executed.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if its name has another ending, or it is damaged, larger than 4 GiB, or something else
            than a dict of tensors.
    """
    if not path.endswith((*TORCH, *SAFETENSORS)):
        raise ValueError(f"{path!r}: expected a file ending in {', '.join((*TORCH, *SAFETENSORS))}")
    with opened(path) as file:
        if path.endswith(SAFETENSORS):
            yield Reader(path, file, tuple(STORED)).tensors
        else:
            yield _Archive(path, file).tensors


class _Archive:
    """An open archive that `torch.save` wrote, whose description has been read."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path = path
        self._size = os.fstat(file.fileno()).st_size
        if file.read(len(_OLD)) == _OLD:
            raise ValueError(
                f"{path!r} has the format of PyTorch before 1.6, which is not read. Write it again with "
                f"PyTorch: torch.save(torch.load(path, map_location='cpu', weights_only=True), new_path)"
            )
        with self._guarded():
            self._zip = zipfile.ZipFile(file)
        self._members = {member.filename: member for member in self._zip.infolist()}
        self._folder = self._find_folder()
        if f"{self._folder}byteorder" in self._members and self._content("byteorder", 16) != b"little":
            raise ValueError(f"{path!r} was written on a big-endian machine; expected little-endian numbers")
        try:
            described = torch_pickle.read(self._content("data.pkl", _LARGEST_DESCRIPTION))
        except torch_pickle.UnreadableError as error:
            raise ValueError(f"{path!r} is not read: {error}") from None
        self.tensors = {name: _Tensor(self, tensor) for name, tensor in self._checked(described).items()}

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGED as error:
            raise ValueError(
                f"{self._path!r} is no intact file that torch.save wrote: {error!s:.200}"
            ) from error

    def _find_folder(self) -> str:
        found = [name[: -len("data.pkl")] for name in self._members if name.endswith("/data.pkl")]
        if len(found) != 1:
            raise ValueError(
                f"{self._path!r} is no file that torch.save wrote: an archive with {len(found)} descriptions "
                f"(data.pkl); expected one"
            )
        if f"{found[0]}constants.pkl" in self._members:
            raise ValueError(
                f"{self._path!r} is a program of TorchScript; expected what "
                f"torch.save(model.state_dict(), path) writes"
            )
        return found[0]

    def _member(self, name: str) -> zipfile.ZipInfo:
        """What the archive says about a file in it, which is as large there as it says."""
        member = self._members.get(f"{self._folder}{name}")
        if member is None:
            raise ValueError(f"{self._path!r} is damaged: it lacks {name!r:.50}")
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(
                f"{self._path!r}: {name!r:.50} is compressed, which torch.save never does; not read"
            )
        if member.file_size > min(member.compress_size, self._size):
            raise ValueError(f"{self._path!r} is damaged: {name!r:.50} is larger than the file")
        return member

    def _content(self, name: str, limit: int) -> bytes:
        member = self._member(name)
        if member.file_size > limit:
            raise ValueError(
                f"{self._path!r}: {name!r} has {member.file_size:,} bytes; at most {limit:,} are read"
            )
        with self._guarded():
            return self._zip.read(member)

    def _checked(self, described: Any) -> dict[str, torch_pickle.Tensor]:
        """The tensors, each of whose storages is as large as it is said to be."""
        if not isinstance(described, dict):
            raise ValueError(f"{self._path!r} holds a {type(described).__name__}; expected a dict of tensors")
        others = [name for name, thing in described.items() if not isinstance(thing, torch_pickle.Tensor)]
        if others or not all(isinstance(name, str) for name in described):
            names = ", ".join(f"{name!r:.50}" for name in list(described)[:5])
            raise ValueError(
                f"{self._path!r} holds a dict with {names}, of which not every entry is a tensor; expected "
                f"what torch.save(model.state_dict(), path) writes"
            )
        for tensor in described.values():
            storage = tensor.storage
            size = self._member(f"data/{storage.key}").file_size
            expected = storage.size * STORED[storage.number_format].itemsize
            if size != expected:
                raise ValueError(
                    f"{self._path!r} is damaged: storage {storage.key!r:.50} has {size:,} bytes instead of "
                    f"{expected:,}"
                )
        return described

    def read(self, storage: torch_pickle.Storage) -> NDArray[Any]:
        """All numbers of a storage, whose checksum has been compared."""
        with self._guarded():
            content = self._zip.read(self._member(f"data/{storage.key}"))
        return np.frombuffer(content, STORED[storage.number_format])


class _Tensor:
    """A tensor in an archive."""

    def __init__(self, archive: _Archive, described: torch_pickle.Tensor) -> None:
        self._archive = archive
        self._described = described

    @property
    def shape(self) -> tuple[int, ...]:
        return self._described.shape

    @property
    def number_format(self) -> str:
        return self._described.storage.number_format

    def read_into(self, array: F32) -> None:
        _, offset, shape, strides = self._described
        if array.size:
            numbers = self._archive.read(self._described.storage)
            steps = [numbers.itemsize * step for step in strides]
            array[...] = as_float32(
                np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps, writeable=False),
                self.number_format,
            )
