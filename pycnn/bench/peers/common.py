"""What every peer shares: the protocol, the data, the network's weights. Nothing here imports pycnn.

A peer is a script that runs in its own process, in whatever environment has the library it is for. It reads
requests, one line of JSON each, and answers each with one line of JSON:

    {"do": "hello"}                 -> {"name", "version"}
    {"do": "prepare", "job": JOB}   -> {"outputs"} to compare with the others', or {"unsupported": reason}
    {"do": "run", "calls": 10}      -> {"seconds", "calls"} of one timed pass

JOB is {"kind": "train" or "infer", "batch": n} for the network "deck", or {"kind": "kernel", "direction":
"forward" or "backward", "operation", "arrays": {name: shape}, "output": shape, "options": {}} for a single
operation.

By hand: `python torch_peer.py train 128` prints one line with images/s and microseconds per call.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

THREADS = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
IMAGES = 4096
CHECKED = 4  # images whose outputs are compared
WARM_UPS = 2


class Prepared(NamedTuple):
    """A job that is ready to be timed."""

    run: Callable[
        [int], int | None
    ]  # runs about so many calls, and returns how many where it is another number
    outputs: Sequence[Any]  # arrays to compare with the other peers'


class Unsupported(Exception):
    """The peer does not do that job."""


# --- data and weights ---------------------------------------------------------------------------------------


def data() -> tuple[F32, NDArray[np.int64]]:
    """IMAGES training images, float32 (n, 28, 28, 1) in [0, 1], and their labels.

    Those of the .npz file in PYCNN_BENCH_DATA, else random ones.
    """
    path = os.environ.get("PYCNN_BENCH_DATA")
    if path:
        with np.load(path) as file:
            x, y = file["x"], file["y"]
    else:
        rng = np.random.default_rng(0)
        x, y = rng.integers(0, 256, (IMAGES, 28, 28)), rng.integers(0, 10, IMAGES)
    return x.reshape(-1, 28, 28, 1).astype(np.float32) / 255, y.astype(np.int64)


def deck_weights() -> list[F32]:
    """Kernels (HWIO, or in x out) and biases of the four layers; the same numbers for every peer."""
    rng = np.random.default_rng(1)
    weights = []
    for shape in ((3, 3, 1, 64), (3, 3, 64, 64), (1600, 128), (128, 10)):
        scale = np.sqrt(2 / np.prod(shape[:-1]))
        weights.append((rng.standard_normal(shape) * scale).astype(np.float32))
        weights.append((rng.standard_normal(shape[-1]) * 0.01).astype(np.float32))
    return weights


def channels_first_weights() -> list[F32]:
    """The same network for libraries whose images are (n, c, h, w): kernels OIHW, dense kernels (out, in)."""
    w1, b1, w2, b2, w3, b3, w4, b4 = deck_weights()
    w1, w2 = (np.ascontiguousarray(w.transpose(3, 2, 0, 1)) for w in (w1, w2))
    w3 = np.ascontiguousarray(w3.reshape(5, 5, 64, 128).transpose(3, 2, 0, 1).reshape(128, 1600))
    return [w1, b1, w2, b2, w3, b3, np.ascontiguousarray(w4.T), b4]


def kernel_arrays(job: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a single operation, and `dy`, the gradient of its output."""
    rng = np.random.default_rng(2)
    arrays: dict[str, Any] = {}
    for name, shape in {**job["arrays"], "dy": job["output"]}.items():
        if name == "labels":
            arrays[name] = rng.integers(0, job["arrays"]["x"][-1], shape, dtype=np.int32)
            continue
        scale = 1 / np.sqrt(np.prod(shape[:-1])) if name == "w" else 1.0
        arrays[name] = (rng.standard_normal(shape) * scale).astype(np.float32)
    return arrays


def digest(array: Any) -> list[float]:
    """Two numbers to compare large arrays by: a sum with changing weights, and that of |array|."""
    values = np.asarray(array, np.float64).ravel()
    return [float(values @ np.cos(np.arange(values.size))), float(np.abs(values).sum())]


# --- the protocol -------------------------------------------------------------------------------------------


def steps_of(job: dict[str, Any]) -> int:
    """How many batches one timed pass of the network runs."""
    batch = int(job["batch"])
    if job["kind"] == "train":
        return min(max(2, 2048 // batch), 64)
    return 200 if batch == 1 else max(4, 2048 // batch)


def serve(name: str, version: Callable[[], str], prepare: Callable[[dict[str, Any]], Prepared]) -> None:
    """Answers requests until the input ends, or does the one job in the command line.

    Args:
        name: of the library.
        version: imports the library and returns its version.
        prepare: makes a job ready; raises Unsupported where the library does not do it.
    """
    # The libraries print to stdout, which belongs to the protocol.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if len(sys.argv) > 1:
        print(json.dumps(_by_hand(name, version, prepare)), file=answers)
        return
    prepared: Prepared | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any]
        try:
            if request["do"] == "hello":
                answer = {"name": name, "version": version()}
            elif request["do"] == "prepare":
                prepared = None
                prepared = prepare(request["job"])
                answer = {"outputs": [digest(each) for each in prepared.outputs]}
                prepared.run(1)
            else:
                assert prepared is not None
                answer = timed(prepared, int(request["calls"]))
        except Unsupported as error:
            answer = {"unsupported": str(error)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def timed(prepared: Prepared, calls: int) -> dict[str, Any]:
    """One pass."""
    start = time.perf_counter()
    done = prepared.run(calls)
    return {"seconds": time.perf_counter() - start, "calls": done or calls}


def _by_hand(
    name: str, version: Callable[[], str], prepare: Callable[[dict[str, Any]], Prepared]
) -> dict[str, Any]:
    if len(sys.argv) != 3 or sys.argv[1] not in ("train", "infer") or not sys.argv[2].isdigit():
        sys.exit(f"usage: {sys.argv[0]} train|infer BATCH")
    job = {"kind": sys.argv[1], "batch": int(sys.argv[2])}
    try:
        prepared = prepare(job)
    except Unsupported as error:
        sys.exit(f"{name}: {error}")
    passes = [timed(prepared, steps_of(job)) for _ in range(WARM_UPS + 5)][WARM_UPS:]
    seconds = float(np.median([each["seconds"] / each["calls"] for each in passes]))
    rate = round(int(sys.argv[2]) / seconds)
    microseconds = round(seconds * 1e6, 1)
    return {"peer": name, "version": version(), **job, "images_per_s": rate, "us_per_call": microseconds}
