"""A profile: rows of numbers, and the ways to show them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from pycnn.profiling.forecast import Forecast, StageCost, forecast

__all__ = ["PHASES", "MemoryUse", "Profile", "ProfileRow"]

PHASES = ("forward", "backward", "update", "packing", "waiting")


@dataclass(frozen=True)
class ProfileRow:
    """What one layer took in one phase.

    Attributes:
        layer: its name; "loss" and "output" (the copy of the result) stand for themselves, and the row of the
            phase "waiting" belongs to none.
        phase: forward; backward; update: gradients are summed and the optimizer steps, but for the
            kernels of large dense layers, which step in backward; packing: weights are
            brought into the form that the kernels read, whenever they have changed; waiting: threads start,
            wait for each other, or have nothing to do.
        algorithm: how it was computed, where there is a choice.
        seconds: of the run's time, the threads' times added up and divided by their number.
        share: of the run's time, from 0 to 1; all rows together make 1.
        gflops: billions of floating-point operations a second, counted as direct sums, so that a faster
            algorithm can exceed the machine's peak; 0 where they are not counted.
        of_peak: gflops over the measured peak of fused multiply-adds on as many threads.
        bytes: read and written in a run, mostly in the caches. An estimate: each of a task's buffers once,
            and weights once for each block of samples.
    """

    layer: str
    phase: str
    algorithm: str
    seconds: float
    share: float
    gflops: float
    of_peak: float
    bytes: float


@dataclass(frozen=True)
class MemoryUse:
    """Bytes that the network of a run has allocated once it has run.

    Memory grows to what a run needs and stays for later ones: a network that has run larger batches before,
    or done other things (`evaluate` beside `fit`), has what all of them need.

    Not counted: the caller's arrays, other networks of the same model (which share its weights: training and
    prediction are two), what a metric or a custom layer keeps in Python, Python itself, and libraries.

    Attributes:
        weights: the network's variables and constants, but for what is still in the file that `load_model`
            with `lazy=True` has left it in.
        packed_weights: the same in the forms that kernels read; of a convolution in Winograd's form more than
            the weights themselves, and in training a form for each direction. Large ones of a training step
            are made when they are needed, in memory that activations have before and after.
        activations: values of all samples of a batch (at most 128 at a time), and the gradients by them.
        threads: values of a few samples, and scratch memory, which each thread has for itself.
        gradients: by weights: their sums, and those of the shards of a batch.
        optimizer: state arrays, such as Adam's two moments.
    """

    weights: int
    packed_weights: int
    activations: int
    threads: int
    gradients: int
    optimizer: int

    @property
    def total(self) -> int:
        """The sum of all kinds."""
        return sum(asdict(self).values())

    def as_dict(self) -> dict[str, int]:
        """The kinds and their total."""
        return {**asdict(self), "total": self.total}


@dataclass(frozen=True)
class Profile:
    """Where time and memory of a run of a model go: a training step, or a prediction. `print` shows a table.

    Attributes:
        model: the model's name.
        training: whether the run was a training step.
        samples: in the batch.
        seconds: that a run took.
        runs: how many were made; all figures are means over the faster half of them.
        threads: that a run was given. Too little work for all is given to fewer, and small runs to as many as
            have turned out to be the fastest.
        threads_reason: why that many, in a few words.
        thread_times: where numbers of threads were tried, the seconds that a run took in the mean on each:
            waits for threads whose core another process had taken are part of it.
        isa: the instruction set of the kernels.
        exact: whether convolutions were direct sums only.
        peak_gflops: measured peak of fused multiply-adds on as many threads.
        rows: layer by layer, the waiting at the end.
        memory: that the run takes, by kind.
        fused: layers without rows, and the layer whose rows are theirs too; "" for those that have nothing to
            compute, such as a Flatten.
        stages: the work in its order, with the pieces that threads share; see `forecast`.
    """

    model: str
    training: bool
    samples: int
    seconds: float
    runs: int
    threads: int
    threads_reason: str
    thread_times: dict[int, float]
    isa: str
    exact: bool
    peak_gflops: float
    rows: tuple[ProfileRow, ...]
    memory: MemoryUse
    fused: dict[str, str]
    stages: tuple[StageCost, ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """The share of each phase that there is."""
        found = {row.phase for row in self.rows}
        return {
            phase: sum(row.share for row in self.rows if row.phase == phase)
            for phase in PHASES
            if phase in found
        }

    def forecast(self, threads: Iterable[int] = (1, 2, 4, 8, 16)) -> tuple[Forecast, ...]:
        """How the run would scale, simulated with the measured pieces of work; see `profiling.forecast`.

        Args:
            threads: the numbers of threads to look at.

        Raises:
            ValueError: if one is less than 1.
        """
        counts = list(threads)
        if any(count < 1 for count in counts):
            raise ValueError(f"`threads` must be at least 1 each, but is {counts}")
        return forecast(self.stages, counts)

    def title(self) -> str:
        """What was measured, in a few words."""
        what = "a training step" if self.training else "a prediction"
        return f"{self.model}: {what} of {_count(self.samples, 'sample')} on {_count(self.threads, 'thread')}"

    def label(self, layer: str) -> str:
        """The layer's name and those of the layers that are fused into it, with a plus between."""
        return " + ".join([layer, *(name for name, by in self.fused.items() if by and by == layer)])

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        rows = [asdict(row) for row in self.rows]
        return {**asdict(self), "rows": rows, "shares": self.shares, "memory": self.memory.as_dict()}

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draws a bar for each layer, its phases in colours.

        Args:
            path: of the file, ending in .png, .svg or .pdf; it is replaced if it exists.

        Raises:
            ImportError: if matplotlib is not installed.
            ValueError: if the name has another ending.
            OSError: if the file cannot be written.
        """
        from pycnn.profiling import picture

        picture.draw(self, path)

    def text(self, width: int | None = None) -> str:
        """The table as text.

        Args:
            width: characters in a line; None for the terminal's. The less important columns are left out
                where they do not fit.
        """
        from pycnn.profiling import table

        return table.as_text(self, width or shutil.get_terminal_size((120, 24)).columns)

    def __str__(self) -> str:
        return self.text()


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
