"""Processes that do the timed work: one for each system, each a script of `peers` in its interpreter."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

__all__ = [
    "ISAS",
    "NO_ISA_SWITCH",
    "System",
    "Worker",
    "WorkerError",
    "child_environment",
    "known_peers",
    "parse_peers",
]

# Libraries, and the other forms in which they run beside their usual one.
PEERS = {
    "torch": ("compile", "bf16"),
    "tensorflow": (),
    "jax": (),
    "onnxruntime": (),
    "openvino": ("bf16",),
    "litert": (),
    "executorch": (),
    "pycnn": ("bf16",),
}
NO_ISA_SWITCH = ("onnxruntime", "litert", "executorch")  # they always use all that the CPU has
_ISA: dict[str, dict[str, str]] = {
    "": {},
    "avx2": {
        "PYCNN_ISA": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",  # tensorflow, torch, openvino
        "DNNL_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",  # jax
        "OPENBLAS_CORETYPE": "Haswell",  # numpy
    },
}
ISAS = tuple(filter(None, _ISA))
_SCRIPTS = Path(__file__).with_name("peers")
_TIMEOUT = 600.0  # seconds for one request; the first one may import and compile a large library


class WorkerError(RuntimeError):
    """The process of a system failed or does not answer."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(f"{system}: {message}")
        self.system = system


class System(NamedTuple):
    """Something to be timed, and the Python interpreter that has it."""

    name: str  # of a library, and behind a dot the form in which it runs: torch.compile
    python: str = sys.executable

    @property
    def library(self) -> str:
        """The name without the form."""
        return self.name.partition(".")[0]

    @property
    def form(self) -> str:
        """The form, empty for the usual one."""
        return self.name.partition(".")[2]

    @property
    def script(self) -> Path:
        """What the interpreter runs."""
        return _SCRIPTS / f"{self.library}_peer.py"


def known_peers() -> list[str]:
    """What can be named: libraries, and their other forms.

    Example:
        >>> [name for name in known_peers() if name.startswith("torch")]
        ['torch', 'torch.compile', 'torch.bf16']
    """
    forms = {name: [f"{name}.{form}" for form in forms] for name, forms in PEERS.items()}
    return [each for name in PEERS for each in ([name] if name != "pycnn" else []) + forms[name]]


def parse_peers(text: str) -> list[System]:
    """Systems from 'torch,jax=/path/to/python'; those without a path are looked for in this interpreter.

    Raises:
        ValueError: an unknown name, or a path where there is no interpreter.

    Example:
        >>> [system.name for system in parse_peers("torch,jax")]
        ['torch', 'jax']
    """
    systems = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, python = part.partition("=")
        if name not in known_peers():
            raise ValueError(f"{name!r} is unknown, expected some of {', '.join(known_peers())}")
        if python and not os.access(python, os.X_OK):
            raise ValueError(f"{name}: {python} is not an interpreter that can be run")
        systems.append(System(name, python or sys.executable))
    return systems


def child_environment(threads: int, isa: str = "") -> dict[str, str]:
    """The environment of a timed process: so many threads, and nothing that slows down a BLAS.

    Args:
        threads: for everybody.
        isa: "avx2" tells everybody who can be told to use nothing newer; empty for all that the CPU has.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    }
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(threads)
    environment["CUDA_VISIBLE_DEVICES"] = ""
    environment.update(_ISA[isa])
    return environment


class Worker:
    """A running system: `request` sends it a line of JSON and waits for the answer.

    Use it in a `with` block, which ends the process.
    """

    def __init__(self, system: System, threads: int, data: Path | None = None, isa: str = "") -> None:
        environment = child_environment(threads, isa)
        environment["PYCNN_BENCH_FORM"] = system.form
        if data:
            environment["PYCNN_BENCH_DATA"] = str(data)
        if system.library == "pycnn":
            # Where this pycnn is, also when it is not installed.
            parts = [str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, parts))
        self.system = system
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._process = subprocess.Popen(
            [system.python, str(system.script)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=environment, text=True,
        )  # fmt: skip
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def request(self, **request: Any) -> dict[str, Any]:
        """Sends a request and returns the answer.

        Raises:
            WorkerError: the process ended, does not answer, or answered with an error.
        """
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._answers.get(timeout=_TIMEOUT)
        except OSError:
            line = ""
        except queue.Empty:
            raise WorkerError(self.system.name, f"no answer in {_TIMEOUT:.0f} s") from None
        if not line:
            raise WorkerError(self.system.name, f"its process ended: {self._last_error()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(self.system.name, answer["error"])
        return answer

    def _last_error(self) -> str:
        self._process.wait(10)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {self._process.returncode}"

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):  # a request that its process did not live to read
                    stream.close()
