"""`pycnn finetune`: a classifier on the features of a pretrained network, then its last layers with it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from pycnn.cli.arguments import WrongUsage
from pycnn.cli.folder import learning
from pycnn.cli.folder.learning import Data, Phase
from pycnn.cli.folder.report import finish
from pycnn.cli.imagenet import network_named

if TYPE_CHECKING:
    import argparse

    from pycnn.models import Model
    from pycnn.recipes.finetuning import Parts

__all__ = ["finetune"]

_SETTINGS = (
    "base", "weights", "epochs", "unfreeze", "tuning_epochs", "learning_rate", "tuning_rate", "batch_size",
    "augment", "seed",
)  # fmt: skip
_FOR_STATISTICS = 64  # pictures
_AFTERWARDS = "testing and saving what was learnt so far"


def finetune(arguments: argparse.Namespace, output: Path) -> int:
    """Reads, trains, tests and writes, and returns the exit status."""
    import pycnn as keras
    from pycnn import _core, applications
    from pycnn.recipes.finetuning import adapt_statistics, assembled, unfreeze

    files = learning.divided(arguments.folder, arguments.validation, arguments.seed)
    if arguments.threads:
        _core.set_num_threads(arguments.threads)
    keras.utils.set_random_seed(arguments.seed)
    network = network_named(arguments.base)
    if network is None:
        raise WrongUsage(
            f"--base {arguments.base} is no network of keras.applications; expected one of "
            f"{', '.join(applications.FAMILY_OF)}"
        )
    console = Console(highlight=False, soft_wrap=True)
    base = _base(console, network, arguments.weights, arguments.size)
    preprocess = getattr(applications, applications.FAMILY_OF[network]).preprocess_input
    parts = assembled(base, preprocess, len(files.names))
    if arguments.unfreeze:
        try:
            trained = unfreeze(base, arguments.unfreeze)
        except ValueError as error:
            raise WrongUsage(f"--unfreeze: {error}") from error
        base.trainable = False

    size = base.input_shape[1:3]
    data = learning.read(console, arguments.folder, files, size)
    if arguments.weights == "none":
        adapt_statistics(base, preprocess(data.training.pixels[:: _step(data)].astype(np.float32)))
    config = _core.config()
    console.print(
        f"network: {network}, {base.count_params():,} parameters, weights {arguments.weights}, for "
        f"{size[0]} x {size[1]} pixels; batches of {arguments.batch_size}; {config['threads']} threads, "
        f"{config['isa_active']}"
    )
    phases = {"classifier": _train_head(console, parts, data, arguments)}
    if arguments.unfreeze and phases["classifier"].finished:
        unfreeze(base, arguments.unfreeze)
        console.print(f"the last {arguments.unfreeze} layers are trained too: {trained:,} further parameters")
        phases["tuning"] = _train_whole(
            console, parts.whole, data, arguments, arguments.tuning_epochs, arguments.tuning_rate,
            arguments.augment != "off",
        )  # fmt: skip
    settings = {name: getattr(arguments, name) for name in _SETTINGS}
    settings = {"command": "finetune", "folder": str(arguments.folder), "size": size[0], **settings}
    return finish(console, output, parts.whole, data, phases, settings)


def _base(console: Console, network: str, weights: str, size: int | None) -> Model:
    """The network without its classifier, ending with the mean of each map. WrongUsage where it cannot be."""
    from pycnn import applications

    make: Any = getattr(applications, network)
    if weights not in ("imagenet", "none") and not Path(weights).is_file():
        raise WrongUsage(f"--weights {weights}: there is no such file; expected a file, imagenet or none")
    shape = None if size is None else (size, size, 3)
    source = None if weights == "none" else weights
    try:
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            model: Model = make(include_top=False, pooling="avg", input_shape=shape, weights=source)
        if size is not None:  # a size for which there may be no weights
            for remark in remarks:
                console.print(escape(str(remark.message)))
    except (ValueError, TypeError) as error:
        raise WrongUsage(str(error)) from error
    return model


def _step(data: Data) -> int:
    return max(len(data.training.pixels) // _FOR_STATISTICS, 1)


def _train_head(console: Console, parts: Parts, data: Data, arguments: argparse.Namespace) -> Phase:
    """Trains the classifier; on features that are computed once where nothing random comes before them."""
    if arguments.augment == "always":
        return _train_whole(
            console, parts.whole, data, arguments, arguments.epochs, arguments.learning_rate, True
        )
    console.print("computing the features of all pictures, once")
    x, test = (parts.features.precompute_features(part.pixels) for part in (data.training, data.test))
    _compile(parts.head, arguments.learning_rate)
    return learning.train(
        console, parts.head, x, data.training.files.labels, (test, data.test.files.labels), len(x),
        arguments.epochs, arguments.batch_size, None, _AFTERWARDS,
    )  # fmt: skip


def _train_whole(
    console: Console, model: Model, data: Data, arguments: argparse.Namespace, epochs: int, rate: float,
    augmented: bool,
) -> Phase:  # fmt: skip
    from pycnn.recipes.pictures import augmentation

    _compile(model, rate)
    x, y = data.training.pixels, data.training.files.labels
    batches: Any = x
    if augmented:
        batches = augmentation().flow(x, y, batch_size=arguments.batch_size, seed=arguments.seed)
    return learning.train(
        console, model, batches, None if augmented else y, (data.test.pixels, data.test.files.labels), len(x),
        epochs, arguments.batch_size, None, _AFTERWARDS,
    )  # fmt: skip


def _compile(model: Model, rate: float) -> None:
    from pycnn import optimizers

    model.compile(optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
