"""`pycnn predict`: what a trained network sees in pictures."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pycnn.cli.arguments import positive_int

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pycnn.models import Model

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]

SUMMARY = "name what is on pictures, with a trained model"
DESCRIPTION = """\
Prints class names and probabilities for picture files, or for test images of Fashion-MNIST by their numbers.
A picture may have any size and colours: for a network that takes grey images it is made grey and padded to
the network's proportions; one that takes colours sees the middle of the picture.
A network of keras.applications, such as inception_v3, names what it has learnt from ImageNet; it takes the
middle of each picture in its colours."""
EPILOG = """\
Fashion-MNIST shows light things on a dark ground. A photograph of a thing on white paper has to be inverted
first: --invert auto does that when the border of the picture is bright, and the table says so.
A plain number is always the number of a test image; write ./7 for a file of that name.

examples:
  pycnn predict pycnn-out/deck.safetensors shoe.jpg bag.png
  pycnn predict pycnn-out/deck.safetensors 0 1 2 --top 1
  pycnn predict pycnn-out/model.safetensors holiday.jpg
  pycnn predict pycnn-out/deck.safetensors shoe.jpg --json
  pycnn predict inception_v3 elephant.jpg --weights inception_v3_weights_tf_dim_ordering_tf_kernels.h5
"""


class _Input(NamedTuple):
    name: str
    pixels: NDArray[np.uint8]  # (height, width), or (height, width, 3)
    inverted: bool = False
    label: int | None = None  # the true class, where it is known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add(
        "model",
        type=Path,
        metavar="MODEL",
        help="file that `pycnn train` or model.save wrote, or the name of a network of keras.applications",
    )
    add("images", nargs="+", metavar="IMAGE", help="picture file, or number of a test image")
    add(
        "--top",
        type=positive_int,
        metavar="N",
        help="how many classes to print (default: 3; 5 of ImageNet)",
    )
    add(
        "--weights",
        type=Path,
        metavar="FILE",
        help="weights of a network of keras.applications (default: the published ones, downloaded once)",
    )
    add(
        "--invert",
        choices=("auto", "yes", "no"),
        default="auto",
        help="exchange light and dark (default: auto)",
    )
    add("--data", metavar="DIR", help="folder with the test images (default: see `pycnn info`)")
    add("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Predicts and prints, and returns the exit status."""
    results = _of_file(arguments) if arguments.model.is_file() else _of_imagenet(arguments)
    if arguments.json:
        print(json.dumps(results, indent=1))
    else:
        _print_table(results)
    return 0


def _of_imagenet(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from pycnn.cli.imagenet import network_named, predictions

    network = network_named(str(arguments.model))
    if network is None:
        raise FileNotFoundError(
            f"there is no model file {arguments.model}, and no network of keras.applications of that name"
        )
    return predictions(network, arguments.images, arguments.top or 5, arguments.weights)


def _of_file(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    if arguments.weights is not None:
        raise ValueError(f"--weights is for networks of keras.applications; {arguments.model} has its own")
    from pycnn.models import load_model

    model = load_model(arguments.model, compile=False, lazy=True)
    shape = _image_shape(model, arguments.model)
    inputs = _read_all(arguments.images, shape, arguments.invert, arguments.data)
    return _describe(model, inputs, _probabilities(model, inputs), arguments.top or 3)


def _image_shape(model: Model, path: Path) -> tuple[int, int, int]:
    shape, classes = model.input_shape[1:], model.output_shape[1:]
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise ValueError(
            f"{path}: the model takes inputs of shape {shape}, expected grey or coloured images "
            f"(height, width, 1 or 3)"
        )
    if len(classes) != 1 or not classes[0]:
        raise ValueError(f"{path}: the model gives outputs of shape {classes}, expected (classes,)")
    return shape[0] or 28, shape[1] or 28, shape[2]


def _read_all(
    names: list[str], shape: tuple[int, int, int], invert: str, data_dir: str | None
) -> list[_Input]:
    from pycnn.cli.pictures import read_colours, read_picture

    inputs = []
    test = None  # test images, read once they are asked for
    size = shape[:2]
    for name in names:
        if re.fullmatch(r"-?[0-9]+", name):
            if shape[2] != 1:
                raise ValueError(f"the model takes coloured images, but test image {name} is a grey one")
            test = test or _test_images(data_dir, size)
            inputs.append(_test_image(int(name), *test))
        elif shape[2] == 3:
            inputs.append(_Input(name, read_colours(name, size)))
        else:
            picture = read_picture(name, size, invert)
            inputs.append(_Input(name, picture.pixels, picture.inverted))
    return inputs


def _test_images(data_dir: str | None, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    from pycnn.cli import data

    (_, (x, y)), _ = data.load(data_dir)
    if x.shape[1:] != size:
        raise ValueError(f"the model takes images of shape {size}, test images have {x.shape[1:]}")
    return x, y


def _test_image(index: int, x: NDArray[np.uint8], y: NDArray[np.uint8]) -> _Input:
    if not 0 <= index < len(x):
        raise ValueError(f"there is no test image {index}: they are numbered 0 to {len(x) - 1}")
    return _Input(f"test image {index}", x[index], label=int(y[index]))


def _probabilities(model: Model, inputs: list[_Input]) -> NDArray[np.float32]:
    import numpy as np

    x = np.stack([each.pixels for each in inputs]).astype(np.float32)
    if not _scales(model):
        x /= 255  # what it was trained on
    y: NDArray[np.float32] = np.asarray(model.predict(x if x.ndim == 4 else x[..., None], verbose=0))
    if y.shape[1] == 1:  # of a sigmoid: the probability of the second class, or its logit
        if not ((y >= 0) & (y <= 1)).all():
            y = (1 / (1 + np.exp(-y))).astype(np.float32)
        return np.concatenate([1 - y, y], axis=1)
    if (y < 0).any() or not np.allclose(y.sum(axis=1), 1, atol=1e-3):  # logits
        y = np.exp(y - y.max(axis=1, keepdims=True))
        y /= y.sum(axis=1, keepdims=True)
    return y


def _scales(model: Model) -> bool:
    """Whether the model takes pixels from 0 to 255: its input says so, or it has a layer that scales them."""
    import numpy as np

    from pycnn.layers import Rescaling
    from pycnn.recipes.pictures import INPUT

    return model.input_names == [INPUT] or any(
        isinstance(layer, Rescaling) and 0 < np.max(layer.scale) < 0.1 for layer in model.leaves()
    )


def _describe(
    model: Model, inputs: list[_Input], probabilities: NDArray[np.float32], top: int
) -> list[dict[str, Any]]:
    """What is printed, as JSON has it."""
    names = _class_names(model, probabilities.shape[1])
    results = []
    for each, row in zip(inputs, probabilities, strict=True):
        best = (-row).argsort(kind="stable")[:top]
        results.append(
            {
                "image": each.name,
                "inverted": each.inverted,
                "label": None if each.label is None else names[each.label],
                "predictions": [
                    {"class": names[i], "index": int(i), "probability": round(float(row[i]), 6)} for i in best
                ],
            }
        )
    return results


def _class_names(model: Model, classes: int) -> Sequence[str]:
    from pycnn.datasets import fashion_mnist

    if model.class_names is not None:
        return model.class_names
    known = fashion_mnist.class_names
    return known if classes == len(known) else tuple(f"class {i}" for i in range(classes))


def _print_table(results: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("image", overflow="fold")
    table.add_column("class")
    table.add_column("probability", justify="right")
    table.add_column("")
    for result in results:
        notes = ["inverted"] if result["inverted"] else []
        if result["label"]:
            right = result["label"] == result["predictions"][0]["class"]
            notes.append("right" if right else f"[red]wrong: it is {result['label']}[/]")
        for rank, prediction in enumerate(result["predictions"]):
            table.add_row(
                result["image"] if rank == 0 else "",
                prediction["class"],
                f"{prediction['probability']:.2%}",
                ", ".join(notes) if rank == 0 else "",
                style="" if rank == 0 else "dim",
            )
    Console().print(table)
