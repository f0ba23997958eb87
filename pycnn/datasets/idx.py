"""Reads and writes idx files, the format of MNIST (yann.lecun.com/exdb/mnist), checking all they tell."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_idx", "write_idx"]

_UNSIGNED_BYTES = 0x08
_LARGEST = 1 << 32


def read_idx(path: Path, rank: int) -> NDArray[np.uint8]:
    """Reads the array of unsigned bytes in an idx file.

    Args:
        path: the file; one whose name ends in .gz is unpacked.
        rank: how many dimensions it must have: 1 for labels, 3 for pictures.

    Returns:
        A new, writable uint8 array.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not an idx file of bytes of that rank, or is truncated, corrupt or longer than it
            says.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "labels-idx1-ubyte")
        ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
        ...     read_idx(path, 1)
        array([7, 8, 9], dtype=uint8)
    """
    packed = path.suffix == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            return _read(cast(BufferedIOBase, file), path, rank)
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is corrupt: {error}") from error
    except EOFError as error:
        raise ValueError(f"{path} is truncated: it ends within the packed data") from error


def _read(file: BufferedIOBase, path: Path, rank: int) -> NDArray[np.uint8]:
    header = file.read(4 + 4 * rank)
    magic = bytes([0, 0, _UNSIGNED_BYTES, rank])
    if header[:4] != magic:
        raise ValueError(
            f"{path} is not an idx file of bytes in {rank} dimensions: "
            f"it begins with {header[:4].hex() or 'nothing'}, expected {magic.hex()}"
        )
    if len(header) < 4 + 4 * rank:
        raise ValueError(f"{path} is truncated: its header has {len(header)} bytes, expected {4 + 4 * rank}")
    shape = struct.unpack(f">{rank}I", header[4:])
    size = math.prod(shape)
    if size > _LARGEST:
        raise ValueError(f"{path} says that its shape is {shape}, more than {_LARGEST:,} bytes")
    data = np.empty(
        size, np.uint8
    )  # pages of it are used only as far as there is data, whatever the header says
    filled = 0
    while filled < size and (count := file.readinto(data.data[filled:])):
        filled += count
    if filled < size:
        raise ValueError(
            f"{path} is truncated: {filled:,} bytes of data, expected {size:,} for shape {shape}"
        )
    if file.read(1):  # reading past the end also makes gzip check its checksum
        raise ValueError(
            f"{path} is corrupt: more than the {size:,} bytes of data that its shape {shape} asks for"
        )
    return data.reshape(shape)


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Writes an array of unsigned bytes as an idx file, for data of your own.

    Args:
        path: the file; one whose name ends in .gz is packed.
        array: uint8, labels (n,) or pictures (n, height, width).

    Raises:
        TypeError: the array is not uint8.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "labels-idx1-ubyte.gz")
        ...     write_idx(path, np.array([7, 8, 9], np.uint8))
        ...     read_idx(path, 1)
        array([7, 8, 9], dtype=uint8)
    """
    if array.dtype != np.uint8:
        raise TypeError(f"array is {array.dtype}, expected uint8")
    header = bytes([0, 0, _UNSIGNED_BYTES, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    data = header + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
