"""Types of command-line arguments: what is wrong with a value is told as wrong usage."""

from __future__ import annotations

import argparse
import math

__all__ = ["WrongUsage", "fraction", "non_negative_int", "positive_float", "positive_int", "positive_ints"]


class WrongUsage(Exception):
    """Arguments, or files that they name, with which the command cannot begin: exit status 2."""


def positive_int(text: str) -> int:
    """A whole number from 1."""
    return _int(text, 1)


def non_negative_int(text: str) -> int:
    """A whole number from 0."""
    return _int(text, 0)


def positive_ints(text: str) -> list[int]:
    """Whole numbers from 1, with commas between."""
    return [positive_int(part) for part in text.split(",")]


def positive_float(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def fraction(text: str) -> float:
    """A number above 0 and below 1."""
    value = positive_float(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return value


def _int(text: str, minimum: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = minimum - 1
    if value < minimum:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {minimum}")
    return value
