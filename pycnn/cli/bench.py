"""`pycnn bench`: how fast pycnn is here, next to NumPy and to other libraries."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pycnn.cli.arguments import positive_int, positive_ints

if TYPE_CHECKING:
    from pycnn.bench.workers import System

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]

SUMMARY = "measure how fast it is, next to NumPy and other libraries"
DESCRIPTION = """\
Times forward and backward of every operation, and training and inference of a whole network (the one that
`pycnn train` trains), on pycnn, on NumPy with its BLAS, and on the libraries named with --vs. Each runs in a
process of its own with the same number of threads, and their passes take turns. Also measures import time,
latency of one image, the gain of threads, the cost of an image by batch size, and the memory of training."""
EPILOG = """\
Libraries for --vs: torch, tensorflow, jax, onnxruntime, openvino. One that is installed elsewhere is named
with its interpreter, such as torch=/opt/torch/bin/python. (onnxruntime and openvino need the package onnx
beside them, jax needs optax; these two run inference only.)

examples:
  pycnn bench
  pycnn bench --quick
  pycnn bench --only conv2d,pool
  pycnn bench --only deck --batch 1,32 --vs torch,onnxruntime --json results.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add("--vs", type=_peers, default=[], metavar="NAMES", help="libraries to compare with, commas between")
    add(
        "--batch", type=positive_ints, default=[1, 32, 128, 512], metavar="N,...",
        help="batch sizes of the network (default: 1,32,128,512)",
    )  # fmt: skip
    add("--only", default="", metavar="PARTS", help="only what has one of these in its name; see --list")
    add("--list", action="store_true", help="print the names and stop")
    add("--threads", type=positive_int, metavar="N", help="default: what `pycnn info` tells")
    add("--repeat", type=positive_int, metavar="N", help="timed passes (default: 5; 3 with --quick)")
    add("--quick", action="store_true", help="fewer images and shorter passes: a smoke test, not a figure")
    add("--json", type=Path, metavar="FILE", help="also write the results there")


def run(arguments: argparse.Namespace) -> int:
    """Measures and prints, and returns the exit status."""
    from rich.console import Console

    from pycnn import _core
    from pycnn.bench import report, suite
    from pycnn.bench.timing import Effort

    effort = Effort(arguments.repeat or 5)
    if arguments.quick:
        effort = Effort(arguments.repeat or 3, pass_seconds=0.005, warm_ups=1, rest=0.01)
    options = suite.Options(
        peers=arguments.vs,
        batches=arguments.batch,
        threads=arguments.threads or _core.get_num_threads(),
        effort=effort,
        only=tuple(part.strip() for part in arguments.only.split(",") if part.strip()),
        quick=arguments.quick,
    )
    if arguments.list:
        print("\n".join(suite.names(options)))
        return 0
    if arguments.json:
        _check_writable(arguments.json)

    progress = Console(stderr=True, highlight=False)
    results = suite.run(options, lambda line: progress.print(line, style="dim", markup=False, soft_wrap=True))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    report.print_results(results, console)
    if arguments.json:
        _write(arguments.json, json.dumps(results, indent=1) + "\n")
        console.print(f"written: {arguments.json}", soft_wrap=True)
    return 0


def _peers(text: str) -> list[System]:
    from pycnn.bench.workers import parse_peers

    try:
        return parse_peers(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _check_writable(path: Path) -> None:
    """An error before any work rather than after it."""
    part = _part(path)
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        raise OSError(f"--json: can't write {path}: {error.strerror or error}") from error


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _write(path: Path, text: str) -> None:
    part = _part(path)
    part.write_text(text)
    os.replace(part, path)
