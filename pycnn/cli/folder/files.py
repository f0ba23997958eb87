"""The pictures of a folder, a subfolder for each class: what is there, and what is held out for the test."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pycnn.cli.arguments import WrongUsage
from pycnn.preprocessing.image.checking import FORMATS
from pycnn.utils.folders import class_folders, pictures_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Broken", "Files", "Found", "found_in", "split"]

_TRAINING = ("train", "training")
_TEST = ("validation", "val", "valid", "test")
_FEWEST = 2  # pictures of a class: one to learn from, one to test with


class Files(NamedTuple):
    """Picture files and the numbers of their classes."""

    paths: list[str]
    labels: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Files:
        return Files([self.paths[i] for i in rows.tolist()], self.labels[rows])


class Broken(NamedTuple):
    """A file that is no picture, whatever its name says."""

    path: str
    reason: str


class Found(NamedTuple):
    """What a folder has.

    Args:
        names: of the classes, sorted.
        training: the pictures to learn from, or all where `test` is None.
        test: those of a folder of their own.
        test_folder: the name of that folder.
    """

    names: list[str]
    training: Files
    test: Files | None
    test_folder: str | None


def found_in(directory: Path) -> Found:
    """The files of `directory`, or of `train` and `validation` in it where both are there.

    Raises:
        WrongUsage: there is no such folder, there are fewer than two classes, a class without a picture, or
            fewer pictures than classes.
    """
    if not directory.is_dir():
        raise WrongUsage(f"there is no folder {directory}")
    try:
        inside = class_folders(os.fspath(directory))
        training = next((name for name in _TRAINING if name in inside), None)
        test = next((name for name in _TEST if name in inside), None)
        if training is None or test is None:
            names = _classes(directory, inside)
            return Found(names, _files(directory, names), None, None)
        names = _classes(directory / training, class_folders(os.fspath(directory / training)))
        unknown = set(_visible(class_folders(os.fspath(directory / test)))) - set(names)
        if unknown:
            raise WrongUsage(
                f"{directory / test} has the class {min(unknown)!r}, which {directory / training} has not"
            )
        held_out = _files(directory / test, names)
        return Found(names, _files(directory / training, names), held_out, test)
    except OSError as error:
        raise WrongUsage(f"can't read {error.filename or directory}: {error.strerror or error}") from error


def split(files: Files, names: Sequence[str], share: float, seed: int) -> tuple[Files, Files]:
    """Training and test pictures: of each class the same share, at least one, is drawn for the test.

    Raises:
        WrongUsage: a class has fewer than two pictures.
    """
    rng = np.random.default_rng([seed, 0x5011])
    training, test = [], []
    for number, name in enumerate(names):
        rows = np.flatnonzero(files.labels == number)
        if len(rows) < _FEWEST:
            raise WrongUsage(
                f"class {name!r} has {'only 1 picture' if len(rows) else 'no picture'}; expected at least "
                f"{_FEWEST}, one to learn from and one to test with"
            )
        rows = rng.permutation(rows)
        count = min(max(round(share * len(rows)), 1), len(rows) - 1)
        test.append(rows[:count])
        training.append(rows[count:])
    return files.take(np.sort(np.concatenate(training))), files.take(np.sort(np.concatenate(test)))


def _visible(names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith(".")]


def _classes(directory: Path, inside: list[str]) -> list[str]:
    names = _visible(inside)
    if len(names) >= 2:
        return names
    found = f"only {names[0]!r}" if names else "none"
    raise WrongUsage(f"{directory} has to have a subfolder for each class, at least two; there is {found}")


def _files(directory: Path, names: Sequence[str]) -> Files:
    paths: list[str] = []
    counts = []
    for name in names:
        folder = os.fspath(directory / name)
        # A folder for the test need not have all classes.
        found = pictures_in(folder, FORMATS, follow_links=False) if os.path.isdir(folder) else []
        paths += [os.path.join(folder, file) for file in found]
        counts.append(len(found))
    if not paths:
        endings = ", ".join(FORMATS)
        raise WrongUsage(f"there are no pictures in {directory}; expected files ending in {endings}")
    if len(paths) < len(names):
        raise WrongUsage(f"{directory} has fewer pictures ({len(paths)}) than classes ({len(names)})")
    return Files(paths, np.repeat(np.arange(len(names)), counts))
