"""`pycnn info`: this build, this machine, and where data is."""

from __future__ import annotations

import argparse
import json

from pycnn.config.report import as_text, describe

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "cmake_dir", "run"]

SUMMARY = "tell about this build, this machine and where data is"
DESCRIPTION = """\
Prints the version, the compiler, the instruction sets (ISAs) that kernels were built for, that this machine
has and that are in use, the number of threads and the reason for it, and where the data sets were found."""
EPILOG = """\
environment:
  PYCNN_ISA         use the kernels of this ISA instead of the best one
  PYCNN_EXACT=1     convolutions by direct sums only, slower and more accurate
  PYCNN_DATA        folder with data sets
  OMP_NUM_THREADS   number of threads, at most
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument(
        "--cmake-dir",
        action="store_true",
        help="print only the value of pycnn_DIR for CMake's find_package(pycnn)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints, and returns the exit status."""
    if arguments.cmake_dir:
        print(cmake_dir())
        return 0
    facts = describe()
    print(json.dumps(facts, indent=1) if arguments.json else as_text(facts))
    return 0


def cmake_dir() -> str:
    """The folder of the CMake package that C++ and C programs link.

    Returns:
        Its path, for `cmake -Dpycnn_DIR="$(pycnn info --cmake-dir)"`.

    Raises:
        FileNotFoundError: if this pycnn was built without it.
    """
    from pathlib import Path

    from pycnn import _core

    folder = Path(_core.__file__).parent / "cpp" / "lib" / "cmake" / "pycnn"
    if not (folder / "pycnnConfig.cmake").is_file():
        raise FileNotFoundError(f"This pycnn was built without its C++ library: there is no {str(folder)!r}")
    return str(folder)
