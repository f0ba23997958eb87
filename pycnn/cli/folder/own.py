"""`pycnn train --folder`: a network of a suitable size learns a folder of pictures from the beginning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pycnn.cli.folder import learning
from pycnn.cli.folder.reading import shorter_sides
from pycnn.cli.folder.report import finish

if TYPE_CHECKING:
    import argparse

__all__ = ["train"]


def train(arguments: argparse.Namespace, output: Path) -> int:
    """Reads, trains, tests and writes, and returns the exit status."""
    import pycnn as keras
    from pycnn import _core
    from pycnn.recipes.pictures import augmentation, recipe_for, size_for

    files = learning.divided(arguments.folder, arguments.validation, arguments.seed)
    size = arguments.size or size_for(shorter_sides(files.training))
    if arguments.threads:
        _core.set_num_threads(arguments.threads)
    console = Console(highlight=False, soft_wrap=True)
    data = learning.read(console, arguments.folder, files, (size, size))

    keras.utils.set_random_seed(arguments.seed)
    count = len(data.training.pixels)
    recipe = recipe_for(size, count, len(data.names))
    epochs, batch_size = arguments.epochs or recipe.epochs, arguments.batch_size or recipe.batch_size
    model = recipe.compiled(arguments.policy, arguments.optimizer, arguments.learning_rate)
    rate = float(model.optimizer.learning_rate)
    augmented = not arguments.no_augment
    config = _core.config()
    console.print(
        f"network: {model.count_params():,} parameters for {size} x {size} pixels; "
        f"{arguments.optimizer or recipe.optimizer}, batches of {batch_size}; "
        f"{'augmented' if augmented else 'not augmented'}; {arguments.policy}, {config['threads']} threads, "
        f"{config['isa_active']}"
    )
    x, y = data.training.pixels, data.training.files.labels
    batches = augmentation().flow(x, y, batch_size=batch_size, seed=arguments.seed) if augmented else x
    phase = learning.train(
        console, model, batches, None if augmented else y, (data.test.pixels, data.test.files.labels), count,
        epochs, batch_size, recipe.warm_up if arguments.schedule == "linear" else None,
        "testing and saving what was learnt so far",
    )  # fmt: skip
    settings = {
        "command": "train", "folder": str(arguments.folder), "size": size, "epochs": epochs,
        "batch_size": batch_size, "optimizer": arguments.optimizer or recipe.optimizer,
        "learning_rate": rate,
        "schedule": arguments.schedule, "policy": arguments.policy, "augmented": augmented,
        "validation": arguments.validation, "seed": arguments.seed,
    }  # fmt: skip
    return finish(console, output, model, data, {"training": phase}, settings)
