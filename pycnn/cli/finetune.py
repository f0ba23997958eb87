"""`pycnn finetune`: a network that has learnt ImageNet learns a folder of pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from pycnn.cli.arguments import non_negative_int, positive_float, positive_int
from pycnn.cli.folder.options import FILES, FOLDER, add_reading
from pycnn.cli.output import writable_folder

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]

SUMMARY = "train a network of keras.applications on a folder of pictures"
DESCRIPTION = f"""\
Takes a network of keras.applications without its classifier, and trains a new one for a folder's classes.
While the network is frozen, its features of each picture are computed once. With --unfreeze its last
layers are trained too, afterwards and at a small rate, while batch normalization keeps its statistics.
{FOLDER}"""
EPILOG = f"""\
{FILES}

examples:
  pycnn finetune photos
  pycnn finetune photos --base inception_v3 --unfreeze 60
  pycnn finetune photos --base efficientnet_b0 --augment always --epochs 5
  pycnn finetune photos --weights mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5
"""
AUGMENT = ("off", "tuning", "always")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="folder with a subfolder for each class")
    add(
        "--base", default="mobilenet_v2", metavar="NAME",
        help="network of keras.applications: mobilenet_v2, inception_v3, resnet50, … (default: mobilenet_v2)",
    )  # fmt: skip
    add(
        "--weights", default="imagenet", metavar="FILE",
        help="of the network without its classifier: a file; imagenet for the published ones, which are "
        "downloaded once; none for random ones (default: imagenet)",
    )  # fmt: skip
    add("--epochs", type=positive_int, default=10, metavar="N", help="of the classifier alone (default: 10)")
    add(
        "--unfreeze", type=non_negative_int, default=0, metavar="N",
        help="train the network's last N layers as well, afterwards (default: 0)",
    )  # fmt: skip
    add(
        "--tuning-epochs", type=positive_int, default=5, metavar="N",
        help="of that second training (default: 5)",
    )  # fmt: skip
    add(
        "--learning-rate", type=positive_float, default=1e-3, metavar="X",
        help="of the classifier alone (default: 0.001)",
    )  # fmt: skip
    add(
        "--tuning-rate", type=positive_float, default=1e-5, metavar="X",
        help="of the second training (default: 0.00001)",
    )  # fmt: skip
    add("--batch-size", type=positive_int, default=32, metavar="N", help="pictures in a step (default: 32)")
    add(
        "--augment", choices=AUGMENT, default="tuning",
        help="where pictures are changed at random: nowhere, in the second training, or always, so that "
        "features are computed anew in each epoch (default: tuning)",
    )  # fmt: skip
    add_reading(parser, "default: the network's own")
    add("--seed", type=non_negative_int, default=0, metavar="N", help="same seed, same model (default: 0)")
    add("--threads", type=positive_int, metavar="N", help="default: what `pycnn info` tells")
    add("--output", type=Path, default=Path("pycnn-out"), metavar="DIR", help="default: ./pycnn-out")


def run(arguments: argparse.Namespace) -> int:
    """Trains, and returns the exit status."""
    output = writable_folder(arguments.output, outside=arguments.folder)
    from pycnn.cli.folder.pretrained import finetune

    return finetune(arguments, output)
