"""HDF5 files through h5py: written in memory, read with checks.

Its functions of the HDF5 library are used, as its own objects take several times as long for small arrays.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.saving.files import Part

    F32: TypeAlias = NDArray[np.float32]

_LARGEST_ATTRIBUTE = 64512  # bytes that fit into an object's header: Keras cuts longer lists of names
_DAMAGED = (OSError, RuntimeError, KeyError, TypeError, ValueError, OverflowError, SystemError)


def h5py() -> Any:
    """The library; ImportError that says what to install."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "Files ending in '.keras', '.h5' and '.hdf5' need h5py: pip install 'pycnn[h5]'. Files ending in "
            "'.safetensors' need nothing else"
        ) from error
    return h5py


# --- writing ------------------------------------------------------------------------------------------------
class Writer:
    """An HDF5 file that grows in memory."""

    def __init__(self) -> None:
        self._h5 = h5py()
        access = self._h5.h5p.create(self._h5.h5p.FILE_ACCESS)
        access.set_fapl_core(1 << 20, False)
        name = f"in memory {id(self)}".encode()  # HDF5 opens a name once only
        self._file = self._h5.h5f.create(name, self._h5.h5f.ACC_TRUNC, fapl=access)
        self._links = self._h5.h5p.create(self._h5.h5p.LINK_CREATE)
        self._links.set_create_intermediate_group(True)

    def attributes(self, group: str, values: Mapping[str, str | Sequence[str]]) -> None:
        """Makes a group where there is none ('' is the file itself), and sets texts and lists in it."""
        path = group.encode()
        if not path:
            where = self._file
        elif path in self._file:
            where = self._h5.h5g.open(self._file, path)
        else:
            where = self._h5.h5g.create(self._file, path, self._links)
        for name, value in values.items():
            if isinstance(value, str):
                self._set(where, name, np.array(value.encode() or b"\0"))
                continue
            texts = np.array([text.encode() for text in value])  # of one length, so none of no text at all
            count = 1
            while any(part.nbytes > _LARGEST_ATTRIBUTE for part in np.array_split(texts, count)):
                count += 1
            for i, part in enumerate(np.array_split(texts, count)):
                self._set(where, f"{name}{i}" if count > 1 else name, part)

    def _set(self, where: Any, name: str, value: NDArray[Any]) -> None:
        h5 = self._h5
        space = h5.h5s.create_simple(value.shape) if value.ndim else h5.h5s.create(h5.h5s.SCALAR)
        if value.dtype.kind == "S" and value.ndim == 0:
            kind = h5.h5t.C_S1.copy()
            kind.set_size(h5.h5t.VARIABLE)
            kind.set_cset(h5.h5t.CSET_UTF8)
            value = value.astype(h5.string_dtype())
        else:
            kind = h5.h5t.py_create(value.dtype, logical=True)
        h5.h5a.create(where, name.encode(), kind, space).write(value)

    def array(self, path: str, values: Any) -> None:
        """Writes an array or a single number, making the groups that it is in."""
        h5, values = self._h5, np.asarray(values, order="C")
        space = h5.h5s.create_simple(values.shape) if values.ndim else h5.h5s.create(h5.h5s.SCALAR)
        kind = h5.h5t.py_create(values.dtype)
        dataset = h5.h5d.create(self._file, path.encode(), kind, space, None, self._links)
        if values.size:
            dataset.write(h5.h5s.ALL, h5.h5s.ALL, values)

    def content(self) -> bytes:
        """The file's bytes; nothing can be written afterwards."""
        self._h5.h5f.flush(self._file)
        image: bytes = self._file.get_file_image()
        self._file.close()
        return image


# --- reading ------------------------------------------------------------------------------------------------
class Dataset:
    """An array in an open file, of any size of floats or integers.

    Args:
        reader: of the file.
        path: in the file.
        dataset: h5py's.
    """

    def __init__(self, reader: Reader, path: str, dataset: Any) -> None:
        self._reader = reader
        self._path = path
        self._dataset = dataset
        with reader.guarded(path):
            self.shape: tuple[int, ...] = tuple(dataset.shape)
            kind = dataset.dtype
            layout = dataset.get_create_plist()
            outside = layout.get_external_count() or layout.get_layout() == reader.h5.h5d.VIRTUAL
        if kind.kind not in "fiu":
            raise ValueError(f"{reader.path!r}: {path!r:.200} holds {kind}; expected numbers")
        if outside:
            raise ValueError(f"{reader.path!r}: the values of {path!r:.200} are in other files; not allowed")

    def read_into(self, array: F32) -> None:
        """Reads the values; float32 whatever the file has."""
        with self._reader.guarded(self._path):
            if array.size:
                everything = self._reader.h5.h5s.ALL
                self._dataset.read(everything, everything, array)

    def number(self) -> float | int:
        """The value of an array of a single number."""
        if math.prod(self.shape) != 1:
            raise ValueError(
                f"{self._reader.path!r}: {self._path!r:.200} has shape {self.shape}; expected a single number"
            )
        with self._reader.guarded(self._path):
            value = np.empty(self.shape, self._dataset.dtype)
            everything = self._reader.h5.h5s.ALL
            self._dataset.read(everything, everything, value)
        return value.reshape(()).item()  # type: ignore[no-any-return]


class Reader:
    """An open HDF5 file without links that lead elsewhere.

    Args:
        path: of the file, for messages.
        file: h5py's.
    """

    def __init__(self, path: str, file: Any) -> None:
        self.h5 = h5py()
        self.path = path
        self._file = file.id
        hard = self.h5.h5l.TYPE_HARD
        with self.guarded("its groups"):
            linked = self._file.links.visit(lambda name, link: None if link.type == hard else name, info=True)
        if linked is not None:
            raise ValueError(
                f"{path!r}: {linked.decode(errors='replace'):.200} is a link to another object or file; not "
                f"allowed"
            )

    @contextlib.contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Turns what h5py raises about damaged files into a ValueError that names the file."""
        try:
            yield
        except _DAMAGED as error:
            raise ValueError(
                f"{self.path!r} is no intact HDF5 file: {what!s:.200}: {error!s:.200}"
            ) from error

    def has_group(self, path: str) -> bool:
        """Whether there is a group of that name."""
        return not path or isinstance(self._opened(path), self.h5.h5g.GroupID)

    def _opened(self, path: str) -> Any:
        """The object of a path; None where there is none."""
        with self.guarded(path):
            try:
                return self.h5.h5o.open(self._file, path.encode())
            except KeyError:
                return None

    def names(self, group: str) -> list[str]:
        """What a group has in it; nothing where there is no such group."""
        found = self._opened(group)
        if not isinstance(found, self.h5.h5g.GroupID):
            return []
        with self.guarded(group):
            return [name.decode() for name in found]

    def array(self, path: str) -> Dataset:
        """An array; ValueError where there is none of that name."""
        found = self._opened(path)
        if not isinstance(found, self.h5.h5d.DatasetID):
            raise ValueError(f"{self.path!r} has no array {path!r:.200}")
        return Dataset(self, path, found)

    # Attributes
    def text(self, group: str, name: str) -> str | None:
        """A text of a group; None where there is none of that name."""
        value = self._attribute(group, name)
        return None if value is None else _as_text(self, name, value)

    def texts(self, group: str, name: str) -> list[str]:
        """A list of texts of a group, which may be in several parts; empty where there is none."""
        parts = [self._attribute(group, name)]
        if parts[0] is None:
            parts = []
            while (part := self._attribute(group, f"{name}{len(parts)}")) is not None:
                parts.append(part)
        return [_as_text(self, name, text) for part in parts for text in np.reshape(part, -1)]

    def has_attribute(self, group: str, name: str) -> bool:
        """Whether a group has an attribute of that name, alone or in several parts."""
        return any(self._attribute(group, full) is not None for full in (name, f"{name}0"))

    def _attribute(self, group: str, name: str) -> Any:
        if not self.has_group(group):
            return None
        with self.guarded(f"{group} {name}"):
            where = self.h5.Group(self._opened(group)) if group else self.h5.Group(self._root())
            return where.attrs.get(name)

    def _root(self) -> Any:
        return self.h5.h5g.open(self._file, b"/")


def _as_text(reader: Reader, name: str, value: Any) -> str:
    try:
        text = value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError as error:
        raise ValueError(f"{reader.path!r}: {name} is no text: {error}") from error
    if not isinstance(text, str):
        raise ValueError(f"{reader.path!r}: {name} is {value!r:.100}; expected text")
    return str(text)


@contextlib.contextmanager
def opened_hdf5(path: str, file: Part) -> Iterator[Reader]:
    """Opens an HDF5 file; ValueError where it is none."""
    try:
        opened = h5py().File(file, "r")
    except _DAMAGED as error:
        raise ValueError(f"{path!r} is no intact HDF5 file: {error!s:.200}") from error
    try:
        yield Reader(path, opened)
    finally:
        with contextlib.suppress(*_DAMAGED):
            opened.close()
