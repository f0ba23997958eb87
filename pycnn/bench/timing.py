"""Times jobs on workers in passes that take turns, so that a machine's drift meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pycnn.bench.workers import Worker

__all__ = ["Effort", "Task", "Timing", "agrees", "take_turns"]

_MOST_CALLS = 1000


class Effort(NamedTuple):
    """How long to measure."""

    repeat: int = 5  # timed passes
    pass_seconds: float = 0.1  # of a pass, at least, where a task does not fix its number of calls
    warm_ups: int = 2
    rest: float = 0.1  # seconds between passes: the threads of an OpenBLAS spin for so long after their work


class Task(NamedTuple):
    """A job for a worker."""

    worker: Worker
    job: dict[str, Any]  # as peers/common.py describes it
    calls: int | None = None  # in a pass; None for as many as fill its time


class Timing(NamedTuple):
    """What one worker needed for one call of a job."""

    seconds: float  # median over the passes
    passes: list[float]
    cpu_seconds: float  # of all its threads, likewise
    outputs: list[list[float]]  # digests, to compare with other workers'
    values: list[list[float]] | None = None  # the outputs themselves, of networks for ImageNet
    memory: int | None = None  # the peak in bytes, of the same


def take_turns(tasks: Mapping[str, Task], effort: Effort) -> dict[str, Timing]:
    """Times every task: all of them once, then all of them once more, and so on.

    Args:
        tasks: by name, each with a worker of its own. Those whose worker does not do the job are left out.
        effort: how many passes, and how long.

    Returns:
        The timings by name.

    Raises:
        WorkerError: a process failed.
    """
    calls: dict[str, int] = {}
    answers: dict[str, dict[str, Any]] = {}
    for name, task in tasks.items():
        answer = task.worker.request(do="prepare", job=task.job)
        if "unsupported" not in answer:
            answers[name] = answer
            calls[name] = task.calls or _calibrated(task.worker, effort.pass_seconds)
    passes: dict[str, list[float]] = {name: [] for name in calls}
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(effort.warm_ups + effort.repeat):
        for name, count in calls.items():
            time.sleep(effort.rest)
            answer = tasks[name].worker.request(do="run", calls=count)
            if turn >= effort.warm_ups:
                passes[name].append(answer["seconds"] / answer["calls"])
                cpu[name].append(answer["cpu_seconds"] / answer["calls"])
    timings = {}
    for name, each in passes.items():
        outputs, values = answers[name]["outputs"], answers[name].get("values")
        memory = None if values is None else int(tasks[name].worker.request(do="memory")["bytes"])
        cpu_seconds = statistics.median(cpu[name])
        timings[name] = Timing(statistics.median(each), each, cpu_seconds, outputs, values, memory)
    return timings


def _calibrated(worker: Worker, seconds: float) -> int:
    answer = worker.request(do="run", calls=1)
    one_call = float(answer["seconds"]) / int(answer["calls"])
    return max(1, min(round(seconds / max(one_call, 1e-9)), _MOST_CALLS))


def agrees(
    ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]], tolerance: float = 1e-3
) -> bool:
    """Whether two workers' digests are of the same numbers, up to rounding.

    Example:
        >>> agrees([[0.5, 100.0]], [[0.5001, 100.0]]), agrees([[0.5, 100.0]], [[0.9, 100.0]])
        (True, False)
    """
    return len(ours) == len(theirs) and all(
        max(abs(a - b), abs(a_total - b_total)) <= tolerance * max(a_total, b_total)
        for (a, a_total), (b, b_total) in zip(ours, theirs, strict=True)
    )
