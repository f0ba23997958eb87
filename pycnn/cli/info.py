"""`pycnn info`: this build, this machine, and where data is."""

from __future__ import annotations

import argparse
import json

from pycnn.config.report import as_text, describe

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]

SUMMARY = "tell about this build, this machine and where data is"
DESCRIPTION = """\
Prints the version, the compiler, the instruction sets (ISAs) that kernels were built for, that this machine
has and that are in use, the number of threads and the reason for it, and where the data sets were found."""
EPILOG = """\
environment:
  PYCNN_ISA         use the kernels of this ISA instead of the best one
  PYCNN_EXACT=1     convolutions by direct sums only, slower and more accurate
  PYCNN_DATA        folder with data sets
  OMP_NUM_THREADS   number of threads
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Prints, and returns the exit status."""
    facts = describe()
    print(json.dumps(facts, indent=1) if arguments.json else as_text(facts))
    return 0
