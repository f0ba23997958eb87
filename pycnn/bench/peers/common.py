"""What every peer shares: the protocol, the data, the network's weights. Nothing here imports pycnn.

A peer is a script that runs in its own process, in whatever environment has the library it is for. It reads
requests, one line of JSON each, and answers each with one line of JSON:

    {"do": "hello"}                 -> {"name", "version"}
    {"do": "prepare", "job": JOB}   -> {"outputs"} to compare with the others', or {"unsupported": reason}
    {"do": "run", "calls": 10}      -> {"seconds", "cpu_seconds", "calls"} of one pass
    {"do": "memory"}                -> {"bytes"}: the peak since the network's libraries were imported

JOB is {"kind": "train" or "infer", "network": name, "batch": n} for one of the module `networks`, or {"kind":
"kernel", "direction": "forward" or "backward", "operation", "arrays": {name: shape}, "output": shape,
"options": {}} for a single operation. For an Application of the module `networks` it also has "input", the
shape of a picture, and "files", a folder; the answer then has "values", too, the outputs themselves.

By hand: `python torch_peer.py train 128 vgg` prints one line with images/s and microseconds per call; without
a network it is "deck". PYCNN_BENCH_FORM=bf16 (compile, …) asks for another form of a peer than its usual one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from memory import peak_bytes, reset_peak  # type: ignore
from networks import APPLICATIONS, NETWORKS, Flatten, Network, steps, weight_shapes  # type: ignore
from numpy.typing import NDArray

F32 = NDArray[np.float32]

THREADS = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
FORM = os.environ.get("PYCNN_BENCH_FORM", "")
CHECKED = 4  # images whose outputs are compared
WARM_UPS = 2


class Prepared(NamedTuple):
    """A job that is ready to be timed."""

    run: Callable[
        [int], int | None
    ]  # runs about so many calls, and returns how many where it is another number
    outputs: Sequence[Any]  # arrays to compare with the other peers'


class Memory:
    """The peak of memory since `begin`, which is called when all libraries have been imported."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forgets the peak so far."""
        reset_peak()
        self._before = peak_bytes()

    def bytes(self) -> int:
        """What was taken since."""
        return int(peak_bytes() - self._before)


MEMORY = Memory()


class Unsupported(Exception):
    """The peer does not do that job."""


# --- data and weights ---------------------------------------------------------------------------------------


def network_of(job: dict[str, Any]) -> Network:
    """The description of the job's network; Unsupported where that is one for ImageNet."""
    if job.get("network") in APPLICATIONS:
        raise Unsupported("networks that are described layer by layer only")
    return NETWORKS[job.get("network", "deck")]


def data(job: dict[str, Any]) -> tuple[F32, NDArray[np.int32]]:
    """Training images, float32 (n, height, width, channels) in [0, 1], and their labels.

    As many as one timed pass takes, and at least a batch. For "deck" those of the .npz file in
    PYCNN_BENCH_DATA, else random ones.
    """
    name, network = job.get("network", "deck"), network_of(job)
    count = max(network.images, int(job["batch"]), CHECKED)
    path = os.environ.get("PYCNN_BENCH_DATA")
    if name == "deck" and path:
        with np.load(path) as file:
            x, y = (np.resize(file[key], (count, *file[key].shape[1:])) for key in ("x", "y"))
    else:
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (count, *network.input), dtype=np.uint8)
        y = rng.integers(0, max(classes(network), 2), count)
    return x.reshape(count, *network.input).astype(np.float32) / 255, y.astype(np.int32)


def classes(network: Network) -> int:
    """How many outputs there are."""
    return int(network.layers[-1].units)


def batch_starts(job: dict[str, Any], calls: int, images: int) -> list[int]:
    """Where the batches of so many steps of training begin."""
    batch = int(job["batch"])
    return [i * batch % (images - batch + 1) for i in range(calls)]


def weights_of(network: Network) -> list[F32]:
    """Weights as `networks.weight_shapes` has them; the same numbers for every peer."""
    rng = np.random.default_rng(1)
    weights = []
    for kind, shape in weight_shapes(network):
        values = rng.standard_normal(shape)
        if kind == "kernel":
            values *= np.sqrt(2 / np.prod(shape[:-1]))
        elif kind == "variance":
            values = 1 + 0.1 * np.abs(values)
        else:
            values = values * (0.01 if kind == "bias" else 0.1) + (kind == "gamma")
        weights.append(values.astype(np.float32))
    return weights


def channels_first_weights(network: Network) -> list[F32]:
    """The same for libraries whose images are (n, c, h, w): kernels OIHW, dense kernels (out, in)."""
    arrays, result, flat = iter(weights_of(network)), [], None
    for layer, before, _ in steps(network.layers, network.input):
        if isinstance(layer, Flatten):
            flat = before
        count = sum(1 for _ in weight_shapes(network._replace(layers=[layer], input=before)))
        for weight in [next(arrays) for _ in range(count)]:
            if weight.ndim == 4:
                weight = weight.transpose(3, 2, 0, 1)
            elif weight.ndim == 2 and flat:
                weight = weight.reshape(*flat, -1).transpose(3, 2, 0, 1).reshape(layer.units, -1)
                flat = None
            elif weight.ndim == 2:
                weight = weight.T
            result.append(np.ascontiguousarray(weight))
    return result


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


def calls_of(job: dict[str, Any]) -> int:
    """How many batches one timed pass of a network runs: in training as many as its images make."""
    batch, images = int(job["batch"]), int(network_of(job).images)
    if job["kind"] == "train":
        return max(1, min(images // batch, 128))
    return max(4, min(images // 2 // batch, 200))


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
                if "files" in request["job"]:
                    answer["values"] = np.asarray(prepared.outputs[0], np.float64).tolist()
                prepared.run(1)
            elif request["do"] == "memory":
                answer = {"bytes": MEMORY.bytes()}
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
    start, cpu = time.perf_counter(), time.process_time()
    done = prepared.run(calls)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"seconds": seconds, "cpu_seconds": cpu, "calls": done or calls}


def _by_hand(
    name: str, version: Callable[[], str], prepare: Callable[[dict[str, Any]], Prepared]
) -> dict[str, Any]:
    kind, batch, network = (*sys.argv[1:], "deck")[:3] if len(sys.argv) in (3, 4) else ("", "", "")
    if kind not in ("train", "infer") or not batch.isdigit() or network not in NETWORKS:
        sys.exit(f"usage: {sys.argv[0]} train|infer BATCH [{'|'.join(NETWORKS)}]")
    job = {"kind": kind, "network": network, "batch": int(batch)}
    try:
        prepared = prepare(job)
    except Unsupported as error:
        sys.exit(f"{name}: {error}")
    passes = [timed(prepared, calls_of(job)) for _ in range(WARM_UPS + 5)][WARM_UPS:]
    seconds = float(np.median([each["seconds"] / each["calls"] for each in passes]))
    rate = round(int(batch) / seconds)
    microseconds = round(seconds * 1e6, 1)
    return {"peer": name, "version": version(), **job, "images_per_s": rate, "us_per_call": microseconds}
