"""Arguments and help that training on a folder has in both commands. Loads nothing heavy."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pycnn.cli.arguments import fraction, positive_int

if TYPE_CHECKING:
    from argparse import _ActionsContainer

__all__ = ["FILES", "FOLDER", "add_reading"]

FOLDER = """\
The folder has a subfolder of pictures for each class, named after it. Where these lie in folders `train`
and `validation` (or `val`, `valid`, `test`), pictures of the second one test; otherwise some of each class
are drawn for that. The network sees the middle of each picture, in colours, as a square."""
FILES = """\
It writes into the output folder:
  model.safetensors  the model, for `pycnn predict` and pycnn.models.load_model: with the names of its
                     classes, the size of its pictures and the scaling of their pixels, from 0 to 255
  wrong.png          test pictures that were taken for another class, the surest first
  report.json        settings, every epoch, the confusion matrix, wrong pictures, files that are no pictures
  curve.png          the learning curve, where matplotlib is installed

Ctrl-C stops after the batch at hand, tests and saves what was learnt so far."""
_SIZES = (8, 2048)


def add_reading(group: _ActionsContainer, size: str) -> None:
    """Declares what says how pictures are read.

    Args:
        group: that the arguments belong to.
        size: what is said of the size's default.
    """
    add = group.add_argument
    add("--size", type=_size, metavar="N", help=f"height and width of pictures in pixels ({size})")
    add(
        "--validation", type=fraction, metavar="X",
        help="share of the pictures of each class that is drawn for the test (default: 0.2)",
    )  # fmt: skip


def _size(text: str) -> int:
    size = positive_int(text)
    if not _SIZES[0] <= size <= _SIZES[1]:
        raise argparse.ArgumentTypeError(f"{text} is not a size from {_SIZES[0]} to {_SIZES[1]}")
    return size
