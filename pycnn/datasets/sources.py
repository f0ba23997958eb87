"""Finds a data set and reads it from where it is."""

from __future__ import annotations

import os
import sys
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pycnn.datasets.catalogue import Dataset

__all__ = ["Data", "Source", "cache_folder", "find", "load", "load_npz_or"]

_LARGEST = 1 << 32  # bytes that an .npz file may unpack to
Bytes = NDArray[np.uint8]
Data = tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]


class Source(NamedTuple):
    """Where a data set is. `str()` of it is for people."""

    kind: str  # folder, cache, system or download
    location: str
    note: str

    def __str__(self) -> str:
        if self.kind == "download":
            return f"not on this machine, to be downloaded from {self.location}{self.note}"
        return f"{self.location} ({self.note})"


def cache_folder() -> Path:
    """The user's cache of pycnn: `$KERAS_HOME/datasets`, or by the habits of the platform.

    It may not exist yet.
    """
    if keras_home := os.environ.get("KERAS_HOME"):
        return Path(keras_home).expanduser() / "datasets"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "pycnn"


def find(dataset: Dataset, data_dir: str | os.PathLike[str] | None = None) -> Source:
    """Where `load` would take the data from. FileNotFoundError where a named folder lacks it."""
    named = _named_folder(dataset, data_dir)
    if named:
        return Source(
            "folder", str(named), "named by data_dir" if data_dir is not None else "named by PYCNN_DATA"
        )
    cache = cache_folder() / dataset.folders[0]
    if _holds(dataset, cache):
        return Source("cache", str(cache), "user cache")
    if dataset.system_folder and _holds(dataset, dataset.system_folder):
        return Source("system", str(dataset.system_folder), "system package")
    return Source("download", dataset.hosts[0], ", else the sample in pycnn" if dataset.sample else "")


def load(dataset: Dataset, data_dir: str | os.PathLike[str] | None = None) -> Data:
    """Reads the data set from the first place that has it; `pycnn.datasets` lists them."""
    named = _named_folder(dataset, data_dir)
    if named:
        return _read_folder(dataset, named)
    cache = cache_folder() / dataset.folders[0]
    if _holds(dataset, cache):
        damaged = dataset.form.damaged(cache, dataset.sha256)
        if not damaged:
            return _read_folder(dataset, cache, dataset.counts)
        _say(f"{dataset.title}: {', '.join(map(str, damaged))} is damaged and left aside")
    if dataset.system_folder and _holds(dataset, dataset.system_folder):
        return _read_folder(dataset, dataset.system_folder, dataset.counts)

    from pycnn.datasets.download import download

    try:
        download(dataset, cache)
    except OSError as error:
        if dataset.sample is None:
            raise FileNotFoundError(
                f"{dataset.title} is not on this machine and could not be downloaded ({error}). "
                f"Put {dataset.form.wanted} into a folder and name it in PYCNN_DATA"
            ) from error
        data = _read_npz(dataset, dataset.sample)
        (x, _), (x_test, _) = data
        _say(
            f"{dataset.title}: using the sample inside pycnn, "
            f"{len(x):,} training and {len(x_test):,} test images ({error})"
        )
        return data
    return _read_folder(dataset, cache, dataset.counts)


def load_npz_or(
    dataset: Dataset, path: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None
) -> Data:
    """Reads the .npz file `path`; its bare default name, where it is no file, means the usual places."""
    npz = Path(path)
    if npz.is_file() and data_dir is None:
        return _read_npz(dataset, npz)
    if npz != Path(f"{dataset.folders[0]}.npz"):
        raise FileNotFoundError(f"path: there is no file {npz}")
    return load(dataset, data_dir)


def _say(line: str) -> None:
    print(f"pycnn: {line}", file=sys.stderr, flush=True)


def _holds(dataset: Dataset, folder: Path) -> bool:
    return not dataset.form.missing(folder)


def _named_folder(dataset: Dataset, data_dir: str | os.PathLike[str] | None) -> Path | None:
    """The folder with the files under `data_dir` or PYCNN_DATA; None where neither is given."""
    named = data_dir if data_dir is not None else os.environ.get("PYCNN_DATA")
    if not named:
        if data_dir is not None:
            raise ValueError("data_dir is empty, expected the name of a folder")
        return None
    what = "data_dir" if data_dir is not None else "PYCNN_DATA"
    top = Path(named).expanduser()
    if not top.is_dir():
        raise FileNotFoundError(f"{what}: there is no folder {top}")
    candidates = [*(top / folder for folder in dataset.folders), top]
    for folder in candidates:
        if _holds(dataset, folder):
            return folder
    # The candidate that has the most files is the one that was meant.
    best = min(candidates, key=lambda folder: len(dataset.form.missing(folder)))
    missing = dataset.form.missing(best)
    if len(missing) == len(dataset.form.names):
        best = top
    raise FileNotFoundError(f"{what}: {dataset.title} is not in {best}: it lacks {', '.join(missing)}")


def _read_folder(dataset: Dataset, folder: Path, counts: tuple[int, int] | None = None) -> Data:
    return _checked(dataset, *dataset.form.read(folder), counts)


def _read_npz(dataset: Dataset, path: Path) -> Data:
    names = ("x_train", "y_train", "x_test", "y_test")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _LARGEST:
            raise ValueError(f"it unpacks to {size:,} bytes")
        with np.load(path, allow_pickle=False) as file:
            arrays = [file[name] for name in names]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is not an .npz file with the arrays {', '.join(names)}: {error}") from error
    return _checked(dataset, arrays, [f"{path}, array {name}" for name in names], None)


def _checked(
    dataset: Dataset, arrays: Sequence[Bytes], names: Sequence[str], counts: tuple[int, int] | None
) -> Data:
    """The arrays as load_data returns them, if shapes and values are right; `names` are for messages."""
    for i in (0, 2):
        x, y = arrays[i], arrays[i + 1]
        if x.dtype != np.uint8 or x.shape[1:] != dataset.image_shape:
            raise ValueError(
                f"{names[i]} has {x.dtype} pictures of shape {x.shape[1:]}, "
                f"expected uint8 and {dataset.image_shape}"
            )
        if not len(x) or (counts and len(x) != counts[i // 2]):
            expected = f"{counts[i // 2]:,}" if counts else "some"
            raise ValueError(f"{names[i]} has {len(x):,} pictures, expected {expected}")
        expected_shape = (len(x), *dataset.label_shape)
        if y.dtype.kind not in "iu" or y.shape != expected_shape:
            raise ValueError(
                f"{names[i + 1]} has labels of type {y.dtype} and shape {y.shape}, "
                f"expected integers and {expected_shape}, as many as {names[i]} has pictures"
            )
        if y.min() < 0 or y.max() >= dataset.classes:
            raise ValueError(
                f"{names[i + 1]} has labels {y.min()} to {y.max()}, expected 0 to {dataset.classes - 1}"
            )
    x_train, y_train, x_test, y_test = arrays
    return (x_train, y_train.astype(np.uint8, copy=False)), (x_test, y_test.astype(np.uint8, copy=False))
