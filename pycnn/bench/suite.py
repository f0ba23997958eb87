"""Runs the chosen cases on pycnn, NumPy and the peers, and the measures of pycnn alone."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pycnn.bench import machine
from pycnn.bench.applications import TOLERANCE, application_cases, write_files
from pycnn.bench.cases import DIRECTIONS, kernels, network_cases
from pycnn.bench.measures import LONG, MEASURES, NotMeasured
from pycnn.bench.options import Options
from pycnn.bench.timing import Effort, Task, Timing, agrees, take_turns
from pycnn.bench.workers import System, Worker, WorkerError

__all__ = ["names", "run"]

Say = Callable[[str], None]
Results = dict[str, Any]

_IMAGES = 4096
_QUICK_DIVISOR = 16
_FLOAT32, _BF16 = 1e-3, 0.1  # how far sums of outputs may be apart, as a share: rounding alone
_ONNX_READERS = ("onnxruntime", "openvino")


class _Job(NamedTuple):
    section: str
    name: str
    job: dict[str, Any]
    flops: float
    calls: int | None = None


def names(options: Options) -> list[str]:
    """The names of the chosen cases and measures, in the order in which they run."""
    measures = [name for name in MEASURES if options.wants(name) and (options.only or name not in LONG)]
    return [job.name for job in _jobs(options)] + measures


def run(options: Options, say: Say) -> Results:
    """Runs all that was chosen.

    Args:
        options: what to run.
        say: takes a line for people: what is being done, which peer is missing.

    Returns:
        What can be written as JSON: the machine, the systems with their versions, the measured peak of
        multiply-adds in GFLOP/s, and the figures of every case: seconds by system.

    Raises:
        ValueError: nothing was chosen.
        WorkerError: pycnn or NumPy failed.
    """
    chosen = names(options)
    if not chosen:
        raise ValueError(f"--only {','.join(options.only)}: no case has such a name")
    results: Results = {
        "machine": machine.describe(),
        "threads": options.threads,
        "isa": options.isa,
        "passes": options.effort.repeat,
        "systems": {},
        "missing": {},
        "kernels": [],
        "networks": [],
        "applications": [],
        "measures": {},
    }
    with tempfile.TemporaryDirectory(prefix="pycnn-bench-") as folder:
        data = _write_data(Path(folder))
        jobs = list(_jobs(options))
        if jobs:
            with _workers(options, data, results, say) as workers:
                results["fma_peak_gflops"] = _peak(workers["pycnn"], options.quick)
                for i, job in enumerate(jobs):
                    say(f"[{i + 1}/{len(chosen)}] {job.name}")
                    if job.section == "applications":
                        results[job.section].append(_application_figures(job, workers, options, data, say))
                    else:
                        results[job.section].append(_figures(job, workers, options.effort, say))
        for i, name in enumerate(chosen[len(jobs) :], len(jobs)):
            say(f"[{i + 1}/{len(chosen)}] {name}")
            try:
                results["measures"][name] = MEASURES[name](options, data)
            except NotMeasured as error:
                results["missing"][name] = str(error)
    return results


def _jobs(options: Options) -> Iterator[_Job]:
    for kernel in kernels(_QUICK_DIVISOR if options.quick else 1):
        for direction, flops in zip(DIRECTIONS, (kernel.flops, kernel.backward_flops), strict=True):
            name = f"{kernel.name}, {direction}"
            if options.wants(name):
                yield _Job("kernels", name, kernel.job(direction), flops)
    for case in network_cases(options.networks, options.batches, quick=options.quick):
        if options.wants(case.name):
            yield _Job("networks", case.name, case.job(), case.flops, case.calls)
    for each in application_cases(options.applications, options.batches, quick=options.quick):
        if options.wants(each.name):
            yield _Job("applications", each.name, each.job(), 0.0, each.calls)


def _write_data(folder: Path) -> Path:
    """The images that the network is timed on, as peers read them: no peer has to find the data set."""
    from pycnn.datasets import fashion_mnist

    (x, y), _ = fashion_mnist.load_data()
    path = folder / "images.npz"
    np.savez(path, x=np.resize(x, (_IMAGES, 28, 28)), y=np.resize(y, _IMAGES))
    return path


@contextlib.contextmanager
def _workers(options: Options, data: Path, results: Results, say: Say) -> Iterator[dict[str, Worker]]:
    """The systems that can be run, each in its process; notes their versions and which are missing."""
    workers: dict[str, Worker] = {}
    with contextlib.ExitStack() as stack:
        for system in [System("pycnn"), System("numpy"), *options.peers]:
            say(f"starting {system.name}")
            worker = stack.enter_context(Worker(system, options.threads, data, options.isa))
            try:
                results["systems"][system.name] = worker.request(do="hello")["version"]
            except WorkerError as error:
                if system not in options.peers:
                    raise
                results["missing"][system.name] = str(error)
                worker.close()
                say(
                    f"{error} (asked {system.python}); if another interpreter has it: "
                    f"--vs {system.name}=/path/to/python"
                )
            else:
                workers[system.name] = worker
        yield workers


def _peak(worker: Worker, quick: bool) -> float:
    """GFLOP/s of multiply-adds in registers, the best of three tries."""
    job = {"kind": "peak", "seconds": 0.05 if quick else 0.5}
    return max(float(worker.request(do="prepare", job=job)["outputs"][0][0]) for _ in range(3))


def _application_figures(
    job: _Job, workers: dict[str, Worker], options: Options, data: Path, say: Say
) -> Results:
    """Times one network for ImageNet, in processes of its own, whose memory is measured, too."""
    systems = [worker.system for name, worker in workers.items() if name != "numpy"]
    with tempfile.TemporaryDirectory(prefix="pycnn-bench-") as name, contextlib.ExitStack() as stack:
        asked = job._replace(job={**job.job, "files": name})
        onnx = job.job["kind"] == "infer" and any(system.library in _ONNX_READERS for system in systems)
        write_files(job.job["network"], job.job["input"], Path(name), onnx=onnx)
        fresh = {
            system.name: stack.enter_context(Worker(system, options.threads, data, options.isa))
            for system in systems
        }
        timings = _timings(asked, fresh, options.effort, say)
    ours = np.array(timings["pycnn"].values)
    apart = {
        name: float(np.abs(np.array(timing.values) - ours).max())
        for name, timing in timings.items()
        if name != "pycnn"
    }
    limits = {name: _BF16 if name.endswith(".bf16") else TOLERANCE for name in apart}
    return {
        **_row(job, timings),
        "memory": {name: timing.memory for name, timing in timings.items()},
        "largest_difference": apart,
        "differs": [name for name, difference in apart.items() if not difference <= limits[name]],
    }


def _figures(job: _Job, workers: dict[str, Worker], effort: Effort, say: Say) -> Results:
    """Times one case; a peer that fails at it is left out."""
    timings = _timings(job, workers, effort, say)
    return {**_row(job, timings), "differs": _differing(timings)}


def _timings(job: _Job, workers: dict[str, Worker], effort: Effort, say: Say) -> dict[str, Timing]:
    while True:
        try:
            tasks = {name: Task(worker, job.job, job.calls) for name, worker in workers.items()}
            return take_turns(tasks, effort)
        except WorkerError as error:
            if error.system in ("pycnn", "numpy"):
                raise
            say(f"{job.name}: left out {error}")
            workers = {name: worker for name, worker in workers.items() if name != error.system}


def _row(job: _Job, timings: dict[str, Timing]) -> Results:
    return {
        "name": job.name,
        **job.job,
        "flops": job.flops,
        "seconds": {name: timing.seconds for name, timing in timings.items()},
        "cpu_seconds": {name: timing.cpu_seconds for name, timing in timings.items()},
        "passes": {name: timing.passes for name, timing in timings.items()},
    }


def _differing(timings: dict[str, Timing]) -> list[str]:
    """The systems whose outputs are not pycnn's: their times are no comparison."""
    ours = timings["pycnn"].outputs
    return [
        name
        for name, timing in timings.items()
        if not agrees(ours, timing.outputs, _BF16 if name.endswith(".bf16") else _FLOAT32)
    ]
