"""`pycnn train`: the network "deck" learns Fashion-MNIST."""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycnn.cli.arguments import non_negative_int, positive_float, positive_int

if TYPE_CHECKING:
    from rich.console import Console

    from pycnn.models import Sequential

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "deck", "run"]

SUMMARY = "train a network on Fashion-MNIST"
DESCRIPTION = """\
Trains a convolutional network on the 60,000 training images of Fashion-MNIST (28 x 28 pixels, 10 kinds of
clothes): two convolutions of 64 filters 3 x 3, each with a max-pooling behind it, and two dense layers of
128 and 10 units."""
EPILOG = """\
It writes into the output folder:
  deck.safetensors   the model, for `pycnn predict` and pycnn.models.load_model
  history.json       loss and accuracy of every epoch, and the settings
  curve.png          the learning curve                          (these two where
  predictions.png    test images with their predicted classes     matplotlib is installed)

Ctrl-C stops after the batch at hand and saves what was learnt so far.

examples:
  pycnn train
  pycnn train --epochs 10 --optimizer sgd --learning-rate 0.05 --output runs/sgd
  pycnn train --data ~/my-idx-files
"""
_EVALUATION_BATCH = 512
_SETTINGS = ("epochs", "batch_size", "optimizer", "learning_rate", "schedule", "policy", "seed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add("--epochs", type=positive_int, default=5, metavar="N", help="passes over the data (default: 5)")
    add("--batch-size", type=positive_int, default=64, metavar="N", help="images in a step (default: 64)")
    add("--optimizer", choices=("adam", "sgd", "rmsprop"), default="adam", help="default: adam")
    add("--learning-rate", type=positive_float, metavar="X", help="default: the optimizer's own")
    add(
        "--schedule", choices=("linear", "constant"), default="linear",
        help="how the learning rate goes: to zero at the end, or on as it is (default: linear)",
    )  # fmt: skip
    add(
        "--policy", choices=("float32", "mixed_bfloat16"), default="float32",
        help="what products are computed in (default: float32)",
    )  # fmt: skip
    add("--seed", type=non_negative_int, default=0, metavar="N", help="same seed, same model (default: 0)")
    add("--threads", type=positive_int, metavar="N", help="default: what `pycnn info` tells")
    add("--data", metavar="DIR", help="folder with the four idx files (default: see `pycnn info`)")
    add("--output", type=Path, default=Path("pycnn-out"), metavar="DIR", help="default: ./pycnn-out")


def deck(policy: str = "float32") -> Sequential:
    """The network, not compiled: 243,786 parameters, 10.1 million operations for an image."""
    import pycnn as keras

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(64, 3, activation="relu", dtype=policy),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(64, 3, activation="relu", dtype=policy),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu", dtype=policy),
            keras.layers.Dense(10, activation="softmax", dtype=policy),
        ]
    )


def run(arguments: argparse.Namespace) -> int:
    """Trains, and returns the exit status."""
    folder = _writable_folder(arguments.output)

    import numpy as np
    from rich.console import Console

    import pycnn as keras
    from pycnn import _core
    from pycnn.cli import data
    from pycnn.cli.progress import TrainingProgress
    from pycnn.cli.schedule import LinearDecay

    console = Console(highlight=False, soft_wrap=True)
    if arguments.threads:
        _core.set_num_threads(arguments.threads)
    ((pixels, y), (pixels_test, y_test)), source = data.load(arguments.data)
    console.print(f"data: {len(y):,} training and {len(y_test):,} test images of Fashion-MNIST, {source}")
    x, x_test = (a.reshape(-1, 28, 28, 1).astype(np.float32) / 255 for a in (pixels, pixels_test))

    keras.utils.set_random_seed(arguments.seed)
    model = deck(arguments.policy)
    optimizer = _optimizer(arguments.optimizer, arguments.learning_rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    config = _core.config()
    console.print(
        f"network: {model.count_params():,} parameters; {arguments.optimizer}, "
        f"batches of {arguments.batch_size}; {arguments.policy}, {config['threads']} threads, "
        f"{config['isa_active']}"
    )

    progress = TrainingProgress(console, arguments.epochs, len(x))
    callbacks: list[keras.callbacks.Callback] = [progress]
    if arguments.schedule == "linear":
        callbacks.append(LinearDecay(arguments.epochs * math.ceil(len(x) / arguments.batch_size)))
    start = time.perf_counter()
    finished = True
    try:
        model.fit(
            x, y, batch_size=arguments.batch_size, epochs=arguments.epochs, verbose=0, callbacks=callbacks,
            validation_data=(x_test, y_test), validation_batch_size=_EVALUATION_BATCH,
        )  # fmt: skip
    except KeyboardInterrupt:
        finished = False
        for callback in callbacks:
            callback.on_train_end()  # takes the live line away, and puts the learning rate back
        console.print("stopped: saving what was learnt so far")
    seconds = time.perf_counter() - start

    report = {
        "settings": {name: getattr(arguments, name) for name in _SETTINGS},
        "data": source,
        "version": config["version"],
        "isa": config["isa_active"],
        "threads": config["threads"],
        "seconds": round(seconds, 2),
        "finished": finished,
        "history": progress.history,
    }
    if finished:
        accuracy = report["test_accuracy"] = progress.history["val_accuracy"][-1]
        console.print(f"test accuracy: [bold]{accuracy:.2%}[/] after {seconds:.1f} s of training")
    model.save(folder / "deck.safetensors")
    _write_json(folder / "history.json", report)
    written = ["deck.safetensors", "history.json"]
    if progress.history["loss"]:
        written += _figures(console, folder, model, progress.history, x_test, y_test)
    console.print(f"written to {folder}: {', '.join(written)}")
    return 0 if finished else 130


def _writable_folder(folder: Path) -> Path:
    """The folder, made where it is not there; an error, before any work, where files can't be made in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"--output: can't write into {folder}: {error.strerror or error}") from error
    return folder


def _optimizer(name: str, learning_rate: float | None) -> Any:
    import pycnn as keras

    kinds = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}
    return kinds[name]() if learning_rate is None else kinds[name](learning_rate)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes beside the file and renames, so that there is never half a file."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(part, path)


def _figures(
    console: Console, folder: Path, model: Sequential, history: dict[str, list[float]], x: Any, y: Any
) -> list[str]:
    """Draws the pictures, where that is possible; returns their names."""
    try:
        from pycnn.cli import figures
    except ImportError:
        console.print("no pictures: matplotlib is not installed (pip install 'pycnn\\[plot]')")
        return []
    x, y = x[: figures.SHOWN], y[: figures.SHOWN]
    figures.learning_curve(folder / "curve.png", history)
    figures.predictions(folder / "predictions.png", x, y, model.predict(x, verbose=0))
    return ["curve.png", "predictions.png"]
