"""Reads a folder of pictures, and trains networks on it, telling how it goes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.markup import escape
from rich.progress import Progress

from pycnn.cli.arguments import WrongUsage
from pycnn.cli.folder.files import Broken, found_in, split
from pycnn.cli.folder.reading import Pictures, check_readable, read_all
from pycnn.cli.progress import TrainingProgress
from pycnn.recipes import LinearDecay

if TYPE_CHECKING:
    from rich.console import Console

    from pycnn.cli.folder.files import Files, Found
    from pycnn.models import Model

__all__ = ["Data", "Divided", "Phase", "divided", "read", "train"]

_SHARE = 0.2  # of the pictures of each class, for the test
_LISTED = 10  # broken files that are printed
_EVALUATION_BATCH = 256


class Divided(NamedTuple):
    """Names of the classes, and the files to learn from and to test with."""

    names: list[str]
    training: Files
    test: Files
    how: str


class Data(NamedTuple):
    """The same, decoded."""

    names: list[str]
    training: Pictures
    test: Pictures

    @property
    def broken(self) -> list[Broken]:
        return self.training.broken + self.test.broken


class Phase(NamedTuple):
    """How a training went.

    Args:
        history: lists by name, one number for each epoch.
        finished: whether it was not stopped.
    """

    history: dict[str, list[float]]
    finished: bool


def divided(directory: Path, share: float | None, seed: int) -> Divided:
    """The files of a folder, to learn from and to test with. WrongUsage where that cannot be."""
    found: Found = found_in(directory)
    if found.test is not None:
        if share is not None:
            raise WrongUsage(f"--validation: the pictures to test with are those of {found.test_folder}")
        return Divided(found.names, found.training, found.test, f"those of {found.test_folder}")
    training, test = split(found.training, found.names, share or _SHARE, seed)
    return Divided(found.names, training, test, f"drawn with seed {seed}")


def read(console: Console, directory: Path, files: Divided, size: tuple[int, int]) -> Data:
    """Decodes all pictures, and says how many there are and which files are none."""
    total = len(files.training.paths) + len(files.test.paths)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=total)
        parts = [read_all(part, size, lambda: bar.advance(task)) for part in (files.training, files.test)]
    data = Data(files.names, *parts)
    check_readable(data.training, files.names)
    if not len(data.test.pixels):
        raise WrongUsage("no picture to test with can be read")
    console.print(
        f"data: {len(data.training.pixels):,} pictures to learn from and {len(data.test.pixels):,} to test "
        f"with ({files.how}), {len(files.names)} classes of {escape(str(directory))}"
    )
    if data.broken:
        _print_broken(console, data.broken)
    return data


def train(
    console: Console, model: Model, x: Any, y: Any, test: tuple[Any, Any], samples: int, epochs: int,
    batch_size: int, warm_up: float | None, then: str,
) -> Phase:  # fmt: skip
    """Trains on arrays, or on batches where y is None; Ctrl-C ends it early.

    Args:
        console: where to print.
        model: compiled with accuracy as metric.
        x: arrays, or what yields batches.
        y: numbers of the classes, or None.
        test: pictures and numbers of their classes, for the figures of each epoch.
        samples: in an epoch.
        epochs: how many.
        batch_size: of arrays.
        warm_up: the share of the steps in which the learning rate rises, before it falls evenly; None for a
            constant one.
        then: what is said to come after Ctrl-C.
    """
    progress = TrainingProgress(console, epochs, samples)
    callbacks: list[Any] = [progress]
    if warm_up is not None:
        callbacks.append(LinearDecay(epochs * math.ceil(samples / batch_size), warm_up))
    rate = float(model.optimizer.learning_rate)
    finished = True
    try:
        model.fit(
            x, y, batch_size=None if y is None else batch_size, epochs=epochs, verbose=0, callbacks=callbacks,
            validation_data=test, validation_batch_size=_EVALUATION_BATCH,
        )  # fmt: skip
    except KeyboardInterrupt:
        finished = False
        progress.on_train_end()  # takes the live line away
        model.optimizer.learning_rate = rate
        console.print(f"stopped: {then}")
    return Phase(progress.history, finished)


def _print_broken(console: Console, broken: list[Broken]) -> None:
    many = "1 file is" if len(broken) == 1 else f"{len(broken)} files are"
    console.print(f"{many} left out, which cannot be read:")
    for path, reason in broken[:_LISTED]:
        console.print(f"  {escape(path)}: {escape(reason)}")
    if len(broken) > _LISTED:
        console.print(f"  and {len(broken) - _LISTED} more, in report.json")
