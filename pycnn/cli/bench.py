"""`pycnn bench`: how fast pycnn is here, next to NumPy and to other libraries."""

from __future__ import annotations

import argparse
import json
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from pycnn.bench.peers.networks import APPLICATIONS, NETWORKS
from pycnn.bench.workers import ISAS, NO_ISA_SWITCH, known_peers
from pycnn.cli.arguments import positive_int, positive_ints

if TYPE_CHECKING:
    from pycnn.bench.workers import System

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]


def _list_of_networks() -> str:
    return "\n".join(f"  {name:10}{network.about}" for name, network in NETWORKS.items())


SUMMARY = "measure how fast it is, next to NumPy and other libraries"


def _list_of_applications() -> str:
    return textwrap.fill(", ".join(APPLICATIONS), 108, initial_indent="  ", subsequent_indent="  ")


def _list_of_peers() -> str:
    return textwrap.fill(", ".join(known_peers()), 108, initial_indent="  ", subsequent_indent="  ")


DESCRIPTION = """\
Times forward and backward of every operation, and training and inference of whole networks, on pycnn, on
NumPy with its BLAS, and on the libraries named with --vs. Each runs in a process of its own with the same
number of threads, weights and images, and their passes take turns. Also measures import time, latency of one
image, the gain of threads, the cost of an image by batch size, the memory of training, and how long a new
process takes to learn Fashion-MNIST how well. Where a run has the figures that a goal of pycnn's needs, goal
and outcome are printed too."""
EPILOG = f"""\
networks for --network:
{_list_of_networks()}

Networks for ImageNet, or all of them by the name applications:
{_list_of_applications()}

They run in processes of their own, whose peak of memory beyond imports is told, too. onnxruntime and
openvino read them from a file of ONNX that pycnn wrote (which needs the package onnx beside pycnn),
tensorflow has them from keras.applications, and torch those named as in torchvision.models, whose form pycnn
then takes. Their largest difference of probabilities from pycnn's must be at most 1e-5.

Training is a whole step: forward, loss, backward, Adam. Every library runs its own best float32 form: torch
with channels_last and fused Adam, tensorflow with Keras' fit (inference: a tf.function), jax with one jitted
step; onnxruntime, openvino, litert (TensorFlow Lite on XNNPACK) and executorch (PyTorch's networks on
XNNPACK) run inference only.

libraries for --vs:
{_list_of_peers()}

Behind a dot is another form: compile is torch.compile, bf16 computes in bfloat16. A library that is installed
elsewhere is named with its interpreter, such as torch=/opt/torch/bin/python. (onnxruntime and openvino need
the package onnx beside them, jax needs optax, litert is part of tensorflow, executorch needs torch.)

How well the recipes of `pycnn train` learn Fashion-MNIST is measured with three seeds each: always of the
one named fast; of best (8 minutes) and patient (45 minutes) where --only names them.

--isa avx2 tells everybody to use nothing newer than AVX2; {", ".join(NO_ISA_SWITCH)} cannot be told.

examples:
  pycnn bench
  pycnn bench --quick
  pycnn bench --only conv2d,pool
  pycnn bench --only deck --batch 1,32 --vs torch,onnxruntime --json results.json
  pycnn bench --only infer --network deck --batch 1 --vs executorch=/opt/executorch/bin/python
  pycnn bench --only train --network all --vs torch,tensorflow=/opt/tf/bin/python --markdown table.md
  pycnn bench --only infer --network applications --threads 2 --vs onnxruntime,openvino --json results.json
  pycnn bench --only train --network ResNet50,resnet50 --vs torch,tensorflow=/opt/tf/bin/python
  pycnn bench --only 'recipe fast,threads'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add("--vs", type=_peers, default=[], metavar="NAMES", help="libraries to compare with, commas between")
    add(
        "--network", type=_networks, default=("deck",), metavar="NAMES",
        help="networks, commas between, or all, applications (default: deck)",
    )  # fmt: skip
    add(
        "--batch", type=positive_ints, default=(), metavar="N,...",
        help="batch sizes of the networks (default: each one's own)",
    )  # fmt: skip
    add("--only", default="", metavar="PARTS", help="only what has one of these in its name; see --list")
    add("--list", action="store_true", help="print the names and stop")
    add("--isa", choices=ISAS, help="let nobody use a newer instruction set")
    add("--threads", type=positive_int, metavar="N", help="default: what `pycnn info` tells")
    add("--repeat", type=positive_int, metavar="N", help="timed passes (default: 5; 3 with --quick)")
    add("--quick", action="store_true", help="fewer images and shorter passes: a smoke test, not a figure")
    add("--json", type=Path, metavar="FILE", help="also write the results there")
    add("--markdown", type=Path, metavar="FILE", help="also write the tables there, in Markdown")


def run(arguments: argparse.Namespace) -> int:
    """Measures and prints, and returns the exit status."""
    from rich.console import Console

    from pycnn import _core
    from pycnn.bench import report, suite
    from pycnn.bench.markdown import markdown
    from pycnn.bench.options import Options
    from pycnn.bench.timing import Effort

    effort = Effort(arguments.repeat or 5)
    if arguments.quick:
        effort = Effort(arguments.repeat or 3, pass_seconds=0.005, warm_ups=1, rest=0.01)
    options = Options(
        peers=arguments.vs,
        networks=[name for name in arguments.network if name in NETWORKS],
        applications=[name for name in arguments.network if name in APPLICATIONS],
        batches=arguments.batch,
        threads=arguments.threads or _core.get_num_threads(),
        isa=arguments.isa or "",
        effort=effort,
        only=tuple(part.strip() for part in arguments.only.split(",") if part.strip()),
        quick=arguments.quick,
    )
    if arguments.list:
        print("\n".join(suite.names(options)))
        return 0
    for option, path in (("--json", arguments.json), ("--markdown", arguments.markdown)):
        if path:
            _check_writable(option, path)

    progress = Console(stderr=True, highlight=False)
    results = suite.run(options, lambda line: progress.print(line, style="dim", markup=False, soft_wrap=True))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    report.print_results(results, console)
    for path, text in (
        (arguments.json, json.dumps(results, indent=1) + "\n"),
        (arguments.markdown, markdown(results)),
    ):
        if path:
            _write(path, text)
            console.print(f"written: {path}", soft_wrap=True)
    return 0


def _peers(text: str) -> list[System]:
    from pycnn.bench.workers import parse_peers

    try:
        return parse_peers(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _networks(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, (part.strip() for part in text.split(","))))
    groups = {"all": tuple(NETWORKS), "applications": tuple(APPLICATIONS)}
    for name in names:
        if name not in (*groups, *NETWORKS, *APPLICATIONS):
            raise argparse.ArgumentTypeError(
                f"{name!r} is unknown, expected all or some of {', '.join((*NETWORKS, *APPLICATIONS))}, "
                f"applications"
            )
    return tuple(dict.fromkeys(each for name in names for each in groups.get(name, (name,))))


def _check_writable(option: str, path: Path) -> None:
    """An error before any work rather than after it."""
    part = _part(path)
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        raise OSError(f"{option}: can't write {path}: {error.strerror or error}") from error


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _write(path: Path, text: str) -> None:
    part = _part(path)
    part.write_text(text)
    os.replace(part, path)
