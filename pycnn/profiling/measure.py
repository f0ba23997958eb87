"""Runs a model under the core's timers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.profiling.forecast import StageCost
from pycnn.profiling.result import PHASES, MemoryUse, Profile, ProfileRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn._core import Network

    Arrays: TypeAlias = list[NDArray[Any]]
    Batch: TypeAlias = tuple[Arrays, list[NDArray[Any] | None], list[NDArray[np.float32] | None]]
    Raw: TypeAlias = dict[str, Any]
    Step: TypeAlias = Callable[[int], list[Raw]]

__all__ = ["prediction", "training_step"]

_LEAST_RUNS, _MOST_RUNS = 3, 1000
_CHOOSING = 0.1  # seconds of runs that do not count: the core tries numbers of threads
_UNINTERRUPTED = 0.1  # seconds in the core between two looks for Ctrl-C
_PEAK_LOOKS, _PEAK_SECONDS = 20, 0.002  # the best of many short ones: other work disturbs some of them


def prediction(name: str, network: Network, x: Arrays, seconds: float, threads: int = 0) -> Profile:
    """The profile of `network.predict(x)`, cut for so many threads; 0: for those that there are."""
    nodes = [network.graph.node(output) for output in network.outputs]
    out = [np.empty(((len(x[0]),) if batched else ()) + shape, np.float32) for *_, shape, batched in nodes]
    with _planned_for(network, threads):
        return _measured(name, False, lambda runs: network.profile_predict(x, out, runs), seconds)


def training_step(
    name: str, network: Network, batch: Batch, rate: float, seconds: float, threads: int = 0
) -> Profile:
    """The profile of a step on samples, labels and weights, cut likewise; what it changes is put back."""
    x, y, weight = batch

    def step(runs: int) -> list[Raw]:
        return network.profile_train_step(x, y, None, weight, rate, runs)

    with _unchanged(network), _planned_for(network, threads):
        return _measured(name, True, step, seconds)


@contextlib.contextmanager
def _planned_for(network: Network, threads: int) -> Iterator[None]:
    network.plan_for(threads)
    try:
        yield
    finally:
        network.plan_for(0)


@contextlib.contextmanager
def _unchanged(network: Network) -> Iterator[None]:
    """Puts weights and the optimizer's state back."""
    variables = network.graph.variables
    optimizer = network.optimizer
    arrays = [variable.value for variable in variables]
    if optimizer is not None:
        trained = [v for i, v in enumerate(variables) if network.is_trainable(i)]  # no others have state
        arrays += [optimizer.state(v, slot) for slot in optimizer.slot_names for v in trained]
    copies = [array.copy() for array in arrays]
    iterations = 0 if optimizer is None else optimizer.iterations
    try:
        yield
    finally:
        for array, copy in zip(arrays, copies, strict=True):
            array[...] = copy
        if optimizer is not None:
            optimizer.iterations = iterations
        for variable in variables:
            variable.touch()


def _measured(name: str, training: bool, step: Step, seconds: float) -> Profile:
    step(2)  # makes the plan and finds the memory
    raw = step(1)
    one = max(raw[0]["seconds"], 1e-6)
    runs = min(max(int(seconds / one), _LEAST_RUNS), _MOST_RUNS)
    at_once = min(max(int(_UNINTERRUPTED / one), 1), runs)
    choosing = 0.0
    while choosing < min(seconds, _CHOOSING):
        choosing += sum(map(_seconds, step(at_once)))
    while len(alike := _on_chosen_threads(raw)) < runs:
        raw += step(min(at_once, runs - len(alike)))
    faster = sorted(alike, key=_seconds)[: math.ceil(len(alike) / 2)]
    config = _core.config()
    threads = faster[0]["threads"]
    peak = max(_core.measure_fma_peak(_PEAK_SECONDS) for _ in range(_PEAK_LOOKS))
    peak *= threads / config["threads"]  # it was that of all threads
    mean = sum(map(_seconds, faster)) / len(faster)
    return Profile(
        model=name,
        training=training,
        samples=faster[0]["samples"],
        seconds=mean,
        runs=len(alike),
        threads=threads,
        threads_reason=_reason(threads, raw[-1]["thread_times"], config),
        thread_times=raw[-1]["thread_times"],
        isa=config["isa_active"],
        exact=config["exact"],
        peak_gflops=peak,
        rows=_rows(faster, mean, threads, peak),
        memory=MemoryUse(**raw[-1]["memory"]),
        fused=dict(pair for pair in faster[0]["fused"] if pair[0] != pair[1]),
        stages=_stages(faster),
    )


def _on_chosen_threads(raw: list[Raw]) -> list[Raw]:
    """Without the runs that tried other numbers of threads."""
    return [run for run in raw if run["threads"] == raw[-1]["chosen_threads"]]


def _reason(threads: int, times: dict[int, float], config: Raw) -> str:
    """Why a run was given so many threads."""
    if len(times) > 1:
        return "the fastest of those tried"
    if threads < config["threads"]:
        return "too little work for more"
    return str(config["threads_reason"])


def _stages(raw: list[Raw]) -> tuple[StageCost, ...]:
    """The means of all runs, which have the same stages; all but the first may lack the packing."""
    alike = [run["stages"] for run in raw if len(run["stages"]) == len(raw[0]["stages"])]
    found = []
    for same in zip(*alike, strict=True):
        works = zip(*(work for _, work in same), strict=True)
        means = ((work[0][0], sum(seconds for _, seconds in work) / len(alike)) for work in works)
        found.append(StageCost(same[0][0], tuple(means)))
    return tuple(found)


def _seconds(raw: Raw) -> float:
    return float(raw["seconds"])


def _rows(raw: list[Raw], mean: float, threads: int, peak: float) -> tuple[ProfileRow, ...]:
    """One row for each layer and phase, in the order of layers and phases; then the waiting."""
    sums: dict[tuple[str, str], NDArray[np.float64]] = {}
    algorithms: dict[tuple[str, str], list[str]] = {}
    for run in raw:
        for layer, phase, algorithm, seconds, flops, moved in run["rows"]:
            numbers = np.array([seconds / threads, flops, moved]) / len(raw)
            sums[layer, phase] = sums.get((layer, phase), 0.0) + numbers
            known = algorithms.setdefault((layer, phase), [])
            if algorithm and algorithm not in known:
                known.append(algorithm)
    layers = list(dict.fromkeys(layer for layer, _ in sums))
    rows = []
    for key in sorted(sums, key=lambda key: (layers.index(key[0]), PHASES.index(key[1]))):
        seconds, flops, moved = (float(number) for number in sums[key])
        gflops = flops / seconds / 1e9 if seconds else 0.0
        algorithm = ", ".join(algorithms[key])
        rows.append(ProfileRow(*key, algorithm, seconds, seconds / mean, gflops, gflops / peak, moved))
    waiting = max(mean - sum(row.seconds for row in rows), 0.0)
    return (*rows, ProfileRow("", "waiting", "", waiting, waiting / mean, 0.0, 0.0, 0.0))
