"""What only pycnn is asked for: import time, latency, threads, cost per image, memory, and its recipes."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pycnn.bench.cases import case_name
from pycnn.bench.goals import RECIPES
from pycnn.bench.options import Options
from pycnn.bench.peers.networks import NETWORKS
from pycnn.bench.timing import Task, take_turns
from pycnn.bench.workers import System, Worker, WorkerError, child_environment

__all__ = ["LONG", "MEASURES", "Measure", "NotMeasured"]

Measure = Callable[[Options, Path], dict[str, Any]]  # the file has the images of "deck"

_PYCNN = System("pycnn")
_SEEDS = (0, 1, 2)
_TIMED_IMPORT = "import time, numpy; t = time.perf_counter(); import pycnn; print(time.perf_counter() - t)"


class NotMeasured(Exception):
    """What the measure needs is not on this machine."""


def import_time(options: Options, data: Path) -> dict[str, Any]:
    """Seconds of `import pycnn` once NumPy is there, with compiled bytecode, as pip leaves it."""
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
        repeat = options.effort.repeat + 1
        seconds = [float(_run(["-c", _TIMED_IMPORT], options, environment)) for _ in range(repeat)]
    return {"seconds": statistics.median(seconds[1:])}


def latency(options: Options, data: Path) -> dict[str, Any]:
    """Seconds for one image: by a prepared call, model.predict_on_batch and model.predict."""
    names = ("prepared", "predict_on_batch", "predict")
    jobs = {name: {"kind": "infer", "batch": 1, "through": name} for name in names}
    return _timed(jobs, dict.fromkeys(names, options.threads), options, data)


def speedup(options: Options, data: Path) -> dict[str, Any]:
    """Seconds for a batch on one thread and on all, for every network chosen."""
    figures = {}
    counts = {"1": 1, str(options.threads): options.threads}
    for network in options.networks:
        batch = min(options.batches[-1] if options.batches else 128, NETWORKS[network].train[-1])
        for kind in ("train", "infer"):
            job = {"kind": kind, "network": network, "batch": batch}
            name = case_name(kind, network, batch)
            figures[name] = _timed(dict.fromkeys(counts, job), counts, options, data)
    return figures


def cost_per_image(options: Options, data: Path) -> dict[str, Any]:
    """Seconds for an image in batches of 32 to 4096."""
    batches = (32, 128) if options.quick else (32, 128, 512, 1024, 2048, 4096)
    figures = {}
    for kind in ("train", "infer"):
        jobs = {str(batch): {"kind": kind, "batch": batch} for batch in batches}
        seconds = _timed(jobs, dict.fromkeys(jobs, options.threads), options, data)
        figures[kind] = {name: value / int(name) for name, value in seconds.items()}
    return figures


def memory(options: Options, data: Path) -> dict[str, Any]:
    """Bytes of memory that training at batch 128 takes beyond Python, NumPy and the data."""
    script = Path(__file__).with_name("peers") / "pycnn_memory.py"
    figures: dict[str, Any] = json.loads(_run([str(script), str(data), "128"], options))
    return figures


def recipe(options: Options, data: Path, *, name: str) -> dict[str, Any]:
    """Seconds from the start of a process to a trained network, and its test accuracy, for three seeds.

    The process imports pycnn, reads Fashion-MNIST from the disk, trains after that recipe of pycnn.recipes,
    whose number of epochs is fixed beforehand, and tests.
    """
    from pycnn.datasets import fashion_mnist

    if fashion_mnist.find().kind == "download":
        raise NotMeasured("Fashion-MNIST is not on this machine")
    script = Path(__file__).with_name("peers") / "pycnn_recipe.py"
    runs = []
    for seed in _SEEDS[:1] if options.quick else _SEEDS:
        start = time.perf_counter()
        run: dict[str, Any] = json.loads(
            _run([str(script), name, str(seed), *(["1"] if options.quick else [])], options)
        )
        runs.append({"seed": seed, "seconds": time.perf_counter() - start, **run})
    means = {name: statistics.fmean(run[name] for run in runs) for name in ("seconds", "accuracy")}
    return {**means, "runs": runs}


MEASURES: dict[str, Measure] = {
    "import time": import_time,
    "latency": latency,
    "threads": speedup,
    "cost per image": cost_per_image,
    "memory": memory,
    **{f"recipe {name}": partial(recipe, name=name) for name in RECIPES},
}
LONG = ("recipe best", "recipe patient")  # minutes, nearly an hour: only for those who ask


def _timed(
    jobs: dict[str, dict[str, Any]], threads: dict[str, int], options: Options, data: Path
) -> dict[str, float]:
    """Seconds of a call of each job, each in a process of its own, by turns."""
    with contextlib.ExitStack() as stack:
        tasks = {
            name: Task(stack.enter_context(Worker(_PYCNN, threads[name], data, options.isa)), job)
            for name, job in jobs.items()
        }
        return {name: timing.seconds for name, timing in take_turns(tasks, options.effort).items()}


def _run(arguments: list[str], options: Options, more: dict[str, str] | None = None) -> str:
    """What pycnn's interpreter prints, with `more` in its environment."""
    home = str(Path(__file__).parents[2])  # the working folder too: another may hold pycnn's bare sources
    environment = {**child_environment(options.threads, options.isa), "PYTHONPATH": home, **(more or {})}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=home, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WorkerError(
            "pycnn", (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        )
    return done.stdout
