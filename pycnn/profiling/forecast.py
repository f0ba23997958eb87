"""How long a run would take on more threads: a simulation with the measured pieces of work."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Forecast", "StageCost", "forecast"]

HAND_OVER = 2e-6  # seconds from the end of a stage until another thread works on the next one


@dataclass(frozen=True)
class StageCost:
    """Work that ends before the next stage begins.

    Attributes:
        name: of its first task.
        work: pairs (pieces, seconds of each).
    """

    name: str
    work: tuple[tuple[int, float], ...]

    @property
    def pieces(self) -> int:
        """Into how many pieces it is cut, however many threads there are."""
        return sum(pieces for pieces, _ in self.work)

    @property
    def seconds(self) -> float:
        """On one thread."""
        return sum(pieces * seconds for pieces, seconds in self.work)


@dataclass(frozen=True)
class Forecast:
    """What a run would take on so many threads. A simulation, not a measurement.

    Attributes:
        threads: how many.
        seconds: of the run.
        speedup: over one thread.
        idle: the share of the threads' time without work, from 0 to 1.
        narrowest: the fewest pieces of a stage that takes at least a hundredth of one thread's time.
    """

    threads: int
    seconds: float
    speedup: float
    idle: float
    narrowest: int


def forecast(stages: Sequence[StageCost], threads: Iterable[int]) -> tuple[Forecast, ...]:
    """Deals the pieces of each stage out to threads, each piece to the thread that is free first.

    Every core is taken to be as fast as those that were measured, whatever the others do: memory bandwidth,
    shared caches and clock rates are left out, so that a real machine is slower rather than faster.

    Args:
        stages: with the measured seconds of their pieces.
        threads: the numbers of threads to look at.

    Returns:
        A forecast for each of them.

    Example:
        >>> from pycnn.profiling.forecast import StageCost, forecast
        >>> stages = [StageCost("conv2d", ((16, 0.001),)), StageCost("loss", ((1, 0.004),))]
        >>> [round(each.speedup, 1) for each in forecast(stages, [1, 4, 16])]
        [1.0, 2.5, 4.0]
    """
    alone = sum(stage.seconds for stage in stages)
    weighty = [stage.pieces for stage in stages if stage.seconds >= alone / 100]
    found = []
    for count in threads:
        total = sum(_makespan(stage, count) for stage in stages)
        total += HAND_OVER * len(stages) if count > 1 else 0.0
        speedup = alone / total if total > 0 else 1.0
        found.append(Forecast(count, total, speedup, 1 - speedup / count, min(weighty, default=0)))
    return tuple(found)


def _makespan(stage: StageCost, threads: int) -> float:
    if threads == 1:
        return stage.seconds
    free = [0.0] * min(threads, max(stage.pieces, 1))
    for pieces, seconds in stage.work:
        for _ in range(pieces):
            heapq.heapreplace(free, free[0] + seconds)
    return max(free)
