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

__all__ = ["PEERS", "System", "Worker", "WorkerError", "child_environment", "parse_peers"]

PEERS = ("torch", "tensorflow", "jax", "onnxruntime", "openvino")
_SCRIPTS = Path(__file__).with_name("peers")
_TIMEOUT = 600.0  # seconds for one request; the first one may import and compile a large library


class WorkerError(RuntimeError):
    """The process of a system failed or does not answer."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(f"{system}: {message}")
        self.system = system


class System(NamedTuple):
    """Something to be timed, and the Python interpreter that has it."""

    name: str
    python: str = sys.executable

    @property
    def script(self) -> Path:
        """What the interpreter runs."""
        return _SCRIPTS / f"{self.name}_peer.py"


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
        if name not in PEERS:
            raise ValueError(f"{name!r} is unknown, expected some of {', '.join(PEERS)}")
        if python and not os.access(python, os.X_OK):
            raise ValueError(f"{name}: {python} is not an interpreter that can be run")
        systems.append(System(name, python or sys.executable))
    return systems


def child_environment(threads: int) -> dict[str, str]:
    """The environment of a timed process: so many threads, and nothing that slows down a BLAS."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    }
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(threads)
    environment["CUDA_VISIBLE_DEVICES"] = ""
    return environment


class Worker:
    """A running system: `request` sends it a line of JSON and waits for the answer.

    Use it in a `with` block, which ends the process.
    """

    def __init__(self, system: System, threads: int, data: Path | None = None) -> None:
        environment = child_environment(threads)
        if data:
            environment["PYCNN_BENCH_DATA"] = str(data)
        if system.name == "pycnn":
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
