"""Models in Keras 3's files: '.keras', an archive of configuration and weights, and '.weights.h5'."""

from __future__ import annotations

import contextlib
import datetime
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from pycnn._version import __version__
from pycnn.saving import description, hdf5, keras_weights
from pycnn.saving.description import SavableModel, from_json, reading, to_json
from pycnn.saving.files import LARGEST, Part, opened, write
from pycnn.saving.restoring import Restoring

if TYPE_CHECKING:
    from pycnn.saving.hdf5 import Reader

KERAS_VERSION = "3.15.0"  # whose files these are
_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_LARGEST_TEXT = 1 << 26  # bytes
_MOST_EXPANSION = 100  # times; Keras does not compress
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError, ValueError)


def save_model(model: SavableModel, path: str, overwrite: bool, include_optimizer: bool) -> None:
    """Writes a model as '.keras'."""
    described = model.serialize()
    if model.compiled and include_optimizer:
        described["compile_config"] = model.get_compile_config()
    metadata: dict[str, Any] = {
        "keras_version": KERAS_VERSION,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
        "pycnn_version": __version__,
    }
    if model.class_names is not None:
        metadata["class_names"] = model.class_names
    texts = {_METADATA: to_json(metadata), _CONFIG: to_json(described)}
    weights = keras_weights.written(model, include_optimizer)

    def fill(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, text in texts.items():
                archive.writestr(name, text)
            archive.writestr(_WEIGHTS, weights)

    write(path, overwrite, fill)


def load_model(path: str, compile: bool) -> Any:
    """Reads a model from '.keras'."""
    with _opened_archive(path) as archive:
        texts = [_text(path, archive, name) for name in (_CONFIG, _METADATA)]
        with reading(path, "does not describe a model of pycnn"):
            described, metadata = [from_json(text) for text in texts]
        config = described.pop("compile_config", None) if isinstance(described, dict) else None
        model = description.model_of(path, described)
        if isinstance(metadata, dict) and "class_names" in metadata:
            description.set_class_names(path, model, metadata["class_names"])
        if compile and config:
            description.compile_model(path, model, config)
        with _weights_of(path, archive) as reader:
            _restore(reader, model).into_new_model()
    return model


def save_weights(model: SavableModel, path: str, overwrite: bool) -> None:
    """Writes a model's weights and its optimizer's state as '.weights.h5'."""
    content = keras_weights.written(model, include_optimizer=True)
    write(path, overwrite, lambda file: file.write(content))


def load_weights(model: SavableModel, path: str, skip_mismatch: bool) -> None:
    """Reads weights, and where it is compiled the optimizer's state, from '.keras'."""
    with _opened_archive(path) as archive, _weights_of(path, archive) as reader:
        load_weights_from(reader, model, skip_mismatch)


def load_weights_from(reader: Reader, model: SavableModel, skip_mismatch: bool) -> None:
    """The same from an open file of weights."""
    _restore(reader, model, skip_mismatch).into_model()


def _restore(reader: Reader, model: SavableModel, skip_mismatch: bool = False) -> Restoring:
    restoring = Restoring()
    keras_weights.restore_layers(reader, model, restoring, skip_mismatch)
    if model.compiled:
        keras_weights.restore_optimizer(reader, model, restoring)
    return restoring


# --- the archive --------------------------------------------------------------------------------------------
@contextlib.contextmanager
def _guarded(path: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise ValueError(f"{path!r} is no intact '.keras' file: {error!s:.200}") from error


@contextlib.contextmanager
def _opened_archive(path: str) -> Iterator[zipfile.ZipFile]:
    hdf5.h5py()
    with opened(path) as file:
        with _guarded(path):
            archive = zipfile.ZipFile(file)
        yield archive


def _member(path: str, archive: zipfile.ZipFile, name: str, limit: int) -> zipfile.ZipInfo:
    """What the archive says about a member that is small enough to be read."""
    try:
        member = archive.getinfo(name)
    except KeyError:
        raise ValueError(
            f"{path!r} is no '.keras' file that pycnn reads: it has no {name!r}, but "
            f"{archive.namelist()!s:.200}"
        ) from None
    if member.file_size > limit or member.file_size > _MOST_EXPANSION * max(member.compress_size, 1):
        raise ValueError(
            f"{path!r}: {name!r} has {member.file_size:,} bytes in {member.compress_size:,}; not read, as it "
            f"may be a decompression bomb"
        )
    return member


def _text(path: str, archive: zipfile.ZipFile, name: str) -> str:
    member = _member(path, archive, name, _LARGEST_TEXT)
    with _guarded(path):
        return archive.read(member).decode()


@contextlib.contextmanager
def _weights_of(path: str, archive: zipfile.ZipFile) -> Iterator[Reader]:
    """The file of weights in the archive, whose checksum has been compared."""
    member = _member(path, archive, _WEIGHTS, LARGEST)
    with contextlib.ExitStack() as stack:
        with _guarded(path):
            content = stack.enter_context(archive.open(member))
            if member.compress_type == zipfile.ZIP_STORED:
                while content.read(1 << 20):  # which compares the checksum
                    pass
                file: Any = Part(path, archive.fp, _begin(archive, member), member.file_size)
            else:
                file = stack.enter_context(tempfile.TemporaryFile())
                while part := content.read(1 << 20):
                    file.write(part)
                file = Part(path, file, 0, member.file_size)
        yield stack.enter_context(hdf5.opened_hdf5(path, file))


def _begin(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: after its local header, of 30 bytes, a name and further fields."""
    assert archive.fp is not None
    archive.fp.seek(member.header_offset + 26)
    name, extra = (int.from_bytes(archive.fp.read(2), "little") for _ in range(2))
    return member.header_offset + 30 + name + extra
