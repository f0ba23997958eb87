"""`pycnn explain`: figures of how convolutional networks work, with real numbers."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

from pycnn.explain.style import check_output, save
from pycnn.explain.topics import TOPICS

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]

SUMMARY = "draw how convolutional networks work, with real numbers"
DESCRIPTION = "Draws a figure of one topic, with numbers that pycnn computes. Needs matplotlib: pycnn[plot]."
EPILOG = (
    "topics:\n"
    + "".join(f"  {name:<15}{topic.summary}\n" for name, topic in TOPICS.items())
    + """
examples:
  pycnn explain kernel --picture shoe.jpg --kernel sobel_left
  pycnn explain feature-maps --model pycnn-out/deck.safetensors --output maps.svg
  pycnn explain optimizers --output optimizers.gif
"""
)
_OPTIONS = {"picture": "--picture", "model": "--model", "kernel": "--kernel", "fill_value": "--fill"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add("topic", choices=TOPICS, metavar="TOPIC", help=f"one of {', '.join(TOPICS)}")
    add("--output", type=Path, metavar="FILE", help="PNG, SVG or PDF file (default: TOPIC.png)")
    add("--picture", type=Path, metavar="FILE", help="picture to show (default: one of Fashion-MNIST)")
    add("--model", type=Path, metavar="FILE", help="of feature-maps (default: one is trained for seconds)")
    add("--kernel", metavar="NAME", help="of kernel; see pycnn filter --list (default: outline)")
    add("--fill", dest="fill_value", type=float, metavar="V", help="of padding (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    """Draws, and returns the exit status."""
    topic = TOPICS[arguments.topic]
    given: dict[str, Any] = {
        name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name) is not None
    }
    for name in given:
        if name not in topic.takes:
            raise ValueError(f"{_OPTIONS[name]} does not go with the topic {arguments.topic}")
    output = arguments.output or Path(f"{arguments.topic}.png")
    animated = arguments.topic == "optimizers" and output.suffix.lower() == ".gif"
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError("pycnn explain needs matplotlib: pip install 'pycnn[plot]'")
    if animated:
        from pycnn.explain import animate_optimizers

        animate_optimizers(output)
    else:
        check_output(output)
        if "model" in given:
            from pycnn.models import load_model

            given["model"] = load_model(given["model"])
        save(topic.draw(**given), output)
    print(output)
    return 0
