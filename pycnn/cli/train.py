"""`pycnn train`: a network learns Fashion-MNIST after a recipe of pycnn.recipes, or a folder of pictures."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycnn.cli.arguments import WrongUsage, non_negative_int, positive_float, positive_int
from pycnn.cli.folder.options import FILES, FOLDER, add_reading
from pycnn.cli.output import writable_folder, write_json

if TYPE_CHECKING:
    from rich.console import Console

    from pycnn.models import Model
    from pycnn.recipes import Recipe

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]

SUMMARY = "train a network on Fashion-MNIST, or on a folder of pictures"
DESCRIPTION = f"""\
Trains a convolutional network on the 60,000 training images of Fashion-MNIST (28 x 28 pixels, 10 kinds of
clothes). A recipe names the network and how it learns; the options below change single points of it.
  deck     two convolutions of 64 filters 3 x 3, each with a max-pooling behind it, two dense layers
  fast     the same network with a higher learning rate that first rises: 91 % in the shortest time
  best     a residual network on images moved and mirrored at random; SGD with momentum and weight decay
  patient  a wider one, over three times the epochs, and rectangles erased in the images too
With the last two the final test averages the predictions for 18 views of each image (moved by up to a
pixel, mirrored); the accuracies of the epochs are those of the images as they are.

With --folder it trains a network of a suitable size on pictures of your own, augmented at random.
{FOLDER}
The network has convolutions 3 x 3 with batch normalization, a max-pooling after each stage until maps are
smaller than 16 pixels, and a classifier on the mean of each map:
  pictures to learn from   filters      convolutions a stage   epochs   batches of
  up to 1,999              16 to 128    1                      16-40    16
  2,000 to 19,999          24 to 192    1                      10-15    32
  20,000 and more          32 to 256    2                      10       32"""
EPILOG = f"""\
It writes into the output folder:
  RECIPE.safetensors the model, for `pycnn predict` and pycnn.models.load_model
  history.json       loss and accuracy of every epoch, and the settings
  curve.png          the learning curve                          (these two where
  predictions.png    test images with their predicted classes     matplotlib is installed)

Ctrl-C stops after the batch at hand and saves what was learnt so far.

With --folder: {FILES[:1].lower()}{FILES[1:]}

examples:
  pycnn train
  pycnn train --recipe best --seed 1
  pycnn train --epochs 10 --optimizer sgd --learning-rate 0.05 --output runs/sgd
  pycnn train --data ~/my-idx-files
  pycnn train --folder photos --size 96 --output runs/photos
"""
_EVALUATION_BATCH = 512
_RECIPES = ("deck", "fast", "best", "patient")
# Arguments that are for one kind of data only.
_OF_FASHION, _OF_FOLDERS = ("recipe", "data"), ("size", "validation", "no_augment")
_SETTINGS = ("recipe", "epochs", "batch_size", "optimizer", "learning_rate", "schedule", "policy", "seed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add("--recipe", choices=_RECIPES, help="default: deck")
    add(
        "--epochs",
        type=positive_int,
        metavar="N",
        help="passes over the data (default: the recipe's; deck: 5)",
    )
    add(
        "--batch-size",
        type=positive_int,
        metavar="N",
        help="images in a step (default: the recipe's; deck: 64)",
    )
    add("--optimizer", choices=("adam", "sgd", "rmsprop"), help="default: the recipe's; deck: adam")
    add(
        "--learning-rate",
        type=positive_float,
        metavar="X",
        help="default: the recipe's, or the optimizer's own",
    )
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
    folder = parser.add_argument_group("pictures of your own")
    folder.add_argument("--folder", type=Path, metavar="DIR", help="folder with a subfolder for each class")
    add_reading(folder, "default: a suitable one up to 160")
    folder.add_argument("--no-augment", action="store_true", help="show pictures always as they are")


def run(arguments: argparse.Namespace) -> int:
    """Trains, and returns the exit status."""
    _check(arguments)
    folder = writable_folder(arguments.output, outside=arguments.folder)
    if arguments.folder is not None:
        from pycnn.cli.folder.own import train

        return train(arguments, folder)
    return _on_fashion_mnist(arguments, folder)


def _check(arguments: argparse.Namespace) -> None:
    """Puts defaults; WrongUsage for arguments that are for another kind of data."""
    own = arguments.folder is not None
    for name in _OF_FASHION if own else _OF_FOLDERS:
        if getattr(arguments, name):
            what = "for Fashion-MNIST, not for --folder" if own else "for --folder only"
            raise WrongUsage(f"--{name.replace('_', '-')} is {what}")
    arguments.recipe = arguments.recipe or "deck"


def _on_fashion_mnist(arguments: argparse.Namespace, folder: Path) -> int:

    from rich.console import Console

    import pycnn as keras
    from pycnn import _core
    from pycnn.cli import data
    from pycnn.cli.progress import TrainingProgress
    from pycnn.datasets.fashion_mnist import class_names
    from pycnn.recipes import RECIPES, unit

    console = Console(highlight=False, soft_wrap=True)
    if arguments.threads:
        _core.set_num_threads(arguments.threads)
    ((pixels, y), (pixels_test, y_test)), source = data.load(arguments.data)
    console.print(f"data: {len(y):,} training and {len(y_test):,} test images of Fashion-MNIST, {source}")

    keras.utils.set_random_seed(arguments.seed)
    recipe = RECIPES[arguments.recipe]
    _complete(arguments, recipe)
    model = recipe.compiled(arguments.policy, arguments.optimizer, arguments.learning_rate)
    x_test = unit(pixels_test)
    config = _core.config()
    console.print(
        f"network: {model.count_params():,} parameters; {arguments.optimizer}, "
        f"batches of {arguments.batch_size}; {arguments.policy}, {config['threads']} threads, "
        f"{config['isa_active']}"
    )

    progress = TrainingProgress(console, arguments.epochs, len(y))
    rate = float(model.optimizer.learning_rate)
    start = time.process_time()
    finished = True
    try:
        recipe.fit(
            model, pixels, y, arguments.epochs, arguments.batch_size, arguments.schedule == "linear",
            callbacks=[progress],
            validation_data=(x_test, recipe.targets(y_test)), validation_batch_size=_EVALUATION_BATCH,
        )  # fmt: skip
    except KeyboardInterrupt:
        finished = False
        progress.on_train_end()  # takes the live line away
        model.optimizer.learning_rate = rate
        console.print("stopped: saving what was learnt so far")
    cpu_seconds, seconds = time.process_time() - start, sum(progress.history["seconds"])

    report = {
        "settings": {name: getattr(arguments, name) for name in _SETTINGS},
        "data": source,
        "version": config["version"],
        "isa": config["isa_active"],
        "threads": config["threads"],
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "finished": finished,
        "history": progress.history,
    }
    if finished:
        accuracy = report["test_accuracy"] = recipe.accuracy(model, pixels_test, y_test)
        console.print(f"test accuracy: [bold]{accuracy:.2%}[/] after {seconds:.1f} s of training")
        if recipe.augment is not None:
            plain = progress.history["val_accuracy"][-1]
            console.print(f"  the mean over 18 views of each image; {plain:.2%} of the images as they are")
    model_file = f"{arguments.recipe}.safetensors"
    model.class_names = list(class_names)
    model.save(folder / model_file)
    write_json(folder / "history.json", report)
    written = [model_file, "history.json"]
    if progress.history["loss"]:
        written += _figures(console, folder, model, progress.history, x_test, y_test)
    console.print(f"written to {folder}: {', '.join(written)}")
    return 0 if finished else 130


def _complete(arguments: argparse.Namespace, recipe: Recipe) -> None:
    """Puts the recipe's own settings where none were given."""
    arguments.epochs = arguments.epochs or recipe.epochs
    arguments.batch_size = arguments.batch_size or recipe.batch_size
    arguments.optimizer = arguments.optimizer or recipe.optimizer
    if arguments.learning_rate is None and arguments.optimizer == recipe.optimizer:
        arguments.learning_rate = recipe.settings.get("learning_rate")


def _figures(
    console: Console, folder: Path, model: Model, history: dict[str, list[float]], x: Any, y: Any
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
