"""What only pycnn is asked for: import time, latency, threads, cost per image and memory."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pycnn.bench.cases import deck_name
from pycnn.bench.timing import Effort, Task, take_turns
from pycnn.bench.workers import System, Worker, WorkerError, child_environment

__all__ = ["MEASURES", "Measure"]

Measure = Callable[[int, Path, Effort, bool], dict[str, Any]]  # threads, data, effort, quick

_PYCNN = System("pycnn")
_TIMED_IMPORT = "import time, numpy; t = time.perf_counter(); import pycnn; print(time.perf_counter() - t)"


def import_time(threads: int, data: Path, effort: Effort, quick: bool) -> dict[str, Any]:
    """Seconds of `import pycnn` once NumPy is there, with compiled bytecode, as pip leaves it."""
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
        seconds = [float(_run(["-c", _TIMED_IMPORT], threads, environment)) for _ in range(effort.repeat + 1)]
    return {"seconds": statistics.median(seconds[1:])}


def latency(threads: int, data: Path, effort: Effort, quick: bool) -> dict[str, Any]:
    """Seconds for one image: by the C++ network alone, model.predict_on_batch and model.predict."""
    names = ("network", "predict_on_batch", "predict")
    jobs = {name: {"kind": "infer", "batch": 1, "through": name} for name in names}
    return _timed(jobs, dict.fromkeys(names, threads), data, effort)


def speedup(threads: int, data: Path, effort: Effort, quick: bool) -> dict[str, Any]:
    """Seconds for a batch on one thread and on all."""
    figures = {}
    for kind in ("train", "infer"):
        job = {"kind": kind, "batch": 128}
        counts = {"1": 1, str(threads): threads}
        figures[deck_name(kind, 128)] = _timed(dict.fromkeys(counts, job), counts, data, effort)
    return figures


def cost_per_image(threads: int, data: Path, effort: Effort, quick: bool) -> dict[str, Any]:
    """Seconds for an image in batches of 32 to 4096."""
    batches = (32, 128) if quick else (32, 128, 512, 1024, 2048, 4096)
    figures = {}
    for kind in ("train", "infer"):
        jobs = {str(batch): {"kind": kind, "batch": batch} for batch in batches}
        seconds = _timed(jobs, dict.fromkeys(jobs, threads), data, effort)
        figures[kind] = {name: value / int(name) for name, value in seconds.items()}
    return figures


def memory(threads: int, data: Path, effort: Effort, quick: bool) -> dict[str, Any]:
    """Bytes of memory that training at batch 128 takes beyond Python, NumPy and the data."""
    script = Path(__file__).with_name("peers") / "pycnn_memory.py"
    figures: dict[str, Any] = json.loads(_run([str(script), str(data), "128"], threads))
    return figures


MEASURES: dict[str, Measure] = {
    "import time": import_time,
    "latency": latency,
    "threads": speedup,
    "cost per image": cost_per_image,
    "memory": memory,
}


def _timed(
    jobs: dict[str, dict[str, Any]], threads: dict[str, int], data: Path, effort: Effort
) -> dict[str, float]:
    """Seconds of a call of each job, each in a process of its own, by turns."""
    with contextlib.ExitStack() as stack:
        tasks = {
            name: Task(stack.enter_context(Worker(_PYCNN, threads[name], data)), job)
            for name, job in jobs.items()
        }
        return {name: timing.seconds for name, timing in take_turns(tasks, effort).items()}


def _run(arguments: list[str], threads: int, more: dict[str, str] | None = None) -> str:
    """What pycnn's interpreter prints, with `more` in its environment."""
    home = str(Path(__file__).parents[2])  # the working folder too: another may hold pycnn's bare sources
    environment = {**child_environment(threads), "PYTHONPATH": home, **(more or {})}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=home, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WorkerError(
            "pycnn", (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        )
    return done.stdout
