"""The safetensors format: a length, a header in JSON, and the arrays one after another.

Source: https://github.com/huggingface/safetensors. Files are read, not mapped into memory, as a mapped file
that another process makes shorter ends the process that looks at it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.saving.files import Part, opened, write
from pycnn.saving.number_formats import STORED, as_float32

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]

_LARGEST_HEADER = 100_000_000  # bytes, as in the library


def write_tensors(path: str, arrays: Mapping[str, F32], metadata: Mapping[str, str], overwrite: bool) -> None:
    """Writes a file of arrays and texts."""
    from safetensors.numpy import save

    write(path, overwrite, lambda file: file.write(save(dict(arrays), dict(metadata))))


class Tensor:
    """An array in an open file.

    Args:
        file: the file.
        offset: where the array begins, in bytes.
        shape: its shape.
        number_format: of its numbers.
    """

    def __init__(self, file: Part, offset: int, shape: tuple[int, ...], number_format: str) -> None:
        self.shape = shape
        self.number_format = number_format
        self.offset = offset
        self._file = file

    def read_into(self, array: F32) -> None:
        """Reads the values."""
        self._file.seek(self.offset)
        if self.number_format == "F32":
            self._file.readinto(array.reshape(-1).view(np.uint8))
            return
        numbers = np.empty(array.shape, STORED[self.number_format])
        self._file.readinto(numbers.reshape(-1).view(np.uint8))
        array[...] = as_float32(numbers, self.number_format)


class Reader:
    """An open safetensors file whose header has been checked.

    Args:
        path: of the file.
        file: the file.
        formats: the number formats that its arrays may have.
    """

    def __init__(self, path: str, file: BinaryIO, formats: tuple[str, ...] = ("F32",)) -> None:
        self.path = path
        self._file = file
        header, begin = _header(path, file)
        size = os.fstat(file.fileno()).st_size
        whole = Part(path, file, 0, size)
        self.metadata: dict[str, str] = header.pop("__metadata__", None) or {}
        if not _is_texts(self.metadata):
            raise _damaged(path, f"`__metadata__` is {self.metadata!r:.100}")
        self.tensors: dict[str, Tensor] = {}
        ranges = []
        for name, entry in header.items():
            number_format, shape, (first, last) = _checked(path, name, entry, formats)
            ranges.append((first, last))
            self.tensors[name] = Tensor(whole, begin + first, shape, number_format)
        end = 0
        for first, last in sorted(ranges):
            if first != end:
                raise _damaged(path, "its arrays overlap or leave gaps")
            end = last
        if begin + end != size:
            raise _damaged(path, f"{size - begin:,} bytes of arrays instead of {end:,}")

    def kept_open(self) -> _core.File:
        """The file for arrays that are read later; OSError where it cannot be kept open."""
        return _core.File(self._file.fileno(), self.path)


def _header(path: str, file: BinaryIO) -> tuple[dict[str, Any], int]:
    """The header, and where the arrays begin."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(_LARGEST_HEADER, os.fstat(file.fileno()).st_size):
        raise _damaged(path, f"a header of {length:,} bytes")
    text = file.read(length)
    try:
        header = json.loads(text.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"{error!s:.200}") from error
    if len(text) != length or not isinstance(header, dict):
        raise _damaged(path, "no header")
    return header, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _is_texts(metadata: Any) -> bool:
    return isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())


def _checked(
    path: str, name: str, entry: Any, formats: tuple[str, ...]
) -> tuple[str, tuple[int, ...], tuple[int, int]]:
    """Number format, shape and range of an array."""
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(first), int(last)]}:
            if dtype not in formats:
                raise ValueError(
                    f"{path!r}: {name!r:.80} has dtype {dtype:.20}; expected {' or '.join(formats)}"
                )
            sizes = all(isinstance(size, int) and 0 <= size < 2**63 for size in shape)
            length = STORED[dtype].itemsize * math.prod(shape) if sizes else -1
            if 0 <= first <= last and last - first == length:
                return dtype, tuple(shape), (first, last)
    raise _damaged(path, f"{name!r:.80} is {entry!r:.200}")


def _damaged(path: str, what: str) -> ValueError:
    return ValueError(f"{path!r} is no intact safetensors file: {what}")


@contextlib.contextmanager
def opened_tensors(path: str) -> Iterator[Reader]:
    """Opens a file; FileNotFoundError where there is none, ValueError where it is no safetensors file."""
    with opened(path) as file:
        yield Reader(path, file)
