"""`pycnn profile`: where time and memory of a model go."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycnn.cli.arguments import positive_float, positive_int

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pycnn.losses import Loss
    from pycnn.models import Model

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]

SUMMARY = "show where the time of a model goes, layer by layer, and its memory by kind"
DESCRIPTION = """\
Runs a model on random samples and prints, for each layer and phase, its time and share, GFLOP/s (counted as
direct sums) and their share of this machine's measured peak, an estimate of the bytes read and written, and
the algorithm chosen; how many threads it takes, and why; and the memory that the model has allocated by then,
by kind. Without a model it is the network that `pycnn train` trains."""
EPILOG = """\
phases:
  forward, backward   a layer's work; max-poolings, activations and the like are fused into the layer before
  update              gradients are summed over their slots, and the optimizer steps; kernels of large dense
                      layers step in backward
  packing             weights are brought into the form that the kernels read, after each update
  waiting             threads start, wait for each other, or have nothing to do

memory:
  weights             with constants
  packed weights      the same in the forms that kernels read
  activations         values of all samples of a batch (at most 128 at a time), and the gradients by them
  threads             values of a few samples, and scratch memory, which each thread has for itself
  gradients           by weights: their sums, and those of the shards of a batch
  optimizer           its state

examples:
  pycnn profile
  pycnn profile pycnn-out/deck.safetensors --train --batch 32
  pycnn profile pycnn-out/deck.safetensors --batch 1 --json
  pycnn profile pycnn-out/deck.safetensors --train --plot profile.png
  pycnn profile --train --threads 16
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add("model", type=Path, nargs="?", metavar="MODEL", help="file that `pycnn train` or model.save wrote")
    add("--batch", type=positive_int, default=32, metavar="N", help="samples in a batch (default: 32)")
    add("--train", action="store_true", help="a training step, not a prediction; MODEL stays as it is")
    add(
        "--threads",
        type=positive_int,
        metavar="N",
        help="default: what `pycnn info` tells; more than there are cores: measure one, foretell up to N",
    )
    add("--exact", action="store_true", help="convolutions by direct sums only")
    add("--seconds", type=positive_float, default=0.5, metavar="S", help="how long to measure (default: 0.5)")
    add("--plot", type=Path, metavar="FILE", help="also draw it (png, svg or pdf; needs matplotlib)")
    add("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Measures and prints, and returns the exit status."""
    if arguments.model is not None and not arguments.model.is_file():
        raise FileNotFoundError(f"there is no model file {arguments.model}")
    if arguments.plot is not None:
        from pycnn.profiling import picture

        picture.check(arguments.plot)  # an error before any work rather than after it

    from pycnn import _core

    foretells = arguments.threads is not None and arguments.threads > _cores()
    if arguments.threads:
        _core.set_num_threads(1 if foretells else arguments.threads)
    if arguments.exact:
        _core.set_exact(True)
    model = _model(arguments.model, arguments.train)
    x, y = _data(model, arguments.batch)
    profile = model.profile(
        x, y if arguments.train else None, seconds=arguments.seconds, threads=arguments.threads
    )
    if arguments.plot is not None:
        profile.plot(arguments.plot)
    if arguments.json:
        foretold = (
            [asdict(each) for each in profile.forecast(_counts(arguments.threads))] if foretells else []
        )
        print(json.dumps(profile.as_dict() | {"forecast": foretold}, indent=1))
        return 0

    from rich.console import Console

    from pycnn.profiling import table

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    for part in table.parts(profile, console):
        console.print(part)
    if foretells:
        for part in table.forecast_parts(profile, _counts(arguments.threads)):
            console.print(part)
    if arguments.plot is not None:
        console.print(f"written: {arguments.plot}", soft_wrap=True, markup=False)
    return 0


def _cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _counts(most: int) -> list[int]:
    """Powers of two, and the number itself."""
    counts = [1 << i for i in range(most.bit_length()) if 1 << i < most]
    return [*counts, most]


def _model(path: Path | None, train: bool) -> Model:
    from pycnn.models import load_model

    if path is None:
        from pycnn.recipes import deck

        model: Model = deck()
        model.name = "deck"
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model
    model = load_model(path)
    if train and not model.compiled:
        raise ValueError(f"{path}: the model has no loss; expected one that was compiled before it was saved")
    return model


def _data(model: Model, batch: int) -> tuple[list[NDArray[np.float32]], list[Any]]:
    """Random samples, and random labels or targets for the model's losses."""
    import numpy as np

    rng = np.random.default_rng(0)
    losses = model.loss if isinstance(model.loss, list) else [model.loss]
    x = [rng.random((batch, *symbol.sample_shape), np.float32) for symbol in model.inputs]
    y = [
        _targets(rng, (batch, *symbol.sample_shape), loss)
        for symbol, loss in zip(model.outputs, losses, strict=False)
    ]
    return x, y


def _targets(rng: np.random.Generator, shape: tuple[int, ...], loss: Loss | None) -> Any:
    """Of one output."""
    import numpy as np

    kind = None if loss is None else loss.kind
    if kind not in ("sparse_categorical_crossentropy", "categorical_crossentropy"):
        return rng.random(shape, np.float32)
    classes = rng.integers(0, shape[-1], shape[:-1])
    return (
        classes if kind == "sparse_categorical_crossentropy" else np.eye(shape[-1], dtype=np.float32)[classes]
    )
