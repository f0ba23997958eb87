"""`pycnn filter`: applies an image kernel to a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pycnn.cli.arguments import non_negative_int, positive_int
from pycnn.filters.applying import MODES
from pycnn.filters.kernels import DESCRIPTIONS, get

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]

SUMMARY = "apply an image kernel to a picture: blur, sharpen, emboss, edges"
DESCRIPTION = """\
Applies a kernel to each channel of a picture, by pycnn's own convolution. Results are rounded and cut off at
0 and 255. The picture may be in any format that Pillow reads, with 8 bits a channel."""
EPILOG = """\
examples:
  pycnn filter --list
  pycnn filter shoe.jpg --kernel sharpen --output sharp.png
  pycnn filter shoe.jpg --kernel gaussian:2.5 --mode reflect --output soft.png
  pycnn filter shoe.jpg --kernel '-1 0 1; -2 0 2; -1 0 1' --padding valid --stride 2 --output edges.png
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add("picture", nargs="?", type=Path, metavar="PICTURE", help="picture file")
    add(
        "--kernel",
        metavar="NAME",
        help="a name of --list, gaussian:SIGMA, box:SIZE, or rows of numbers with ';' between rows",
    )
    add("--output", type=Path, metavar="FILE", help="picture file to write, in the format of its ending")
    add("--stride", type=positive_int, default=1, metavar="N", help="pixels between outputs (default: 1)")
    add(
        "--padding",
        type=_padding,
        default="same",
        metavar="P",
        help="same, valid, or pixels at every side (default: same)",
    )
    add("--mode", choices=MODES, default="constant", help="what lies outside (default: constant)")
    add("--fill", type=float, default=0.0, metavar="V", help="its value for --mode constant (default: 0)")
    add("--list", action="store_true", help="print the kernels and end")


def run(arguments: argparse.Namespace) -> int:
    """Filters, and returns the exit status."""
    if arguments.list:
        print("\n\n".join(_described(name) for name in DESCRIPTIONS))
        return 0
    for name in ("picture", "kernel", "output"):
        if getattr(arguments, name) is None:
            option = "PICTURE" if name == "picture" else f"--{name}"
            raise ValueError(f"{option} is missing; see pycnn filter --help")
    from pycnn.filters import apply_to_file

    pixels = apply_to_file(
        arguments.picture,
        arguments.output,
        arguments.kernel,
        arguments.stride,
        arguments.padding,
        arguments.mode,
        arguments.fill,
    )
    print(f"{arguments.output}: {pixels.shape[1]} x {pixels.shape[0]} pixels")
    return 0


def _padding(text: str) -> Any:
    return text if text in ("same", "valid") else non_negative_int(text)


def _described(name: str) -> str:
    matrix = get(name)
    divisor = {"box_blur": 9, "binomial_blur": 16}.get(name, 1)
    rows = ["  " + "".join(f"{round(value * divisor):4d}" for value in row) for row in matrix]
    return "\n".join([f"{name}: {DESCRIPTIONS[name]}" + f", divided by {divisor}" * (divisor > 1), *rows])
