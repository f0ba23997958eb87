"""The command `pycnn`; a sub-command is a module with SUMMARY, add_arguments(parser), run(arguments)."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from pycnn._version import __version__
from pycnn.cli.arguments import WrongUsage

__all__ = ["main"]

_COMMANDS = ("train", "finetune", "predict", "profile", "check", "filter", "explain", "info", "bench")
_EPILOG = """\
examples:
  pycnn train                         train a network on Fashion-MNIST, into ./pycnn-out
  pycnn train --folder photos         train one on pictures of your own, a subfolder for each class
  pycnn finetune photos               the same from a network that has learnt ImageNet
  pycnn predict pycnn-out/deck.safetensors shoe.jpg
  pycnn profile --train               where the time of a training step goes, layer by layer
  pycnn check photos                  look through a folder of pictures before training
  pycnn filter shoe.jpg --kernel sharpen --output sharp.png
  pycnn explain optimizers            draw how a part of networks works, with real numbers
  pycnn info                          this build, this machine and where the data is
  pycnn bench --vs torch              how fast it is, next to NumPy and PyTorch

`pycnn COMMAND --help` tells more. Exit status: 0 done, 1 error, 2 wrong usage, 130 stopped with Ctrl-C.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pycnn",
        description="Trains and runs convolutional neural networks on CPUs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pycnn {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        module = importlib.import_module(f"pycnn.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=module.DESCRIPTION,
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: the arguments, without the program's name; those of the process where None.

    Returns:
        The exit status: 0 done, 1 error (told on stderr), 2 where it cannot begin with its arguments,
        130 stopped with Ctrl-C. PYCNN_TRACEBACK=1 in the environment shows where an error came from.

    Raises:
        SystemExit: with status 2 where the usage is wrong, 0 after `--help` and `--version`.

    Example:
        >>> from pycnn.cli import main
        >>> main(["predict", "no-such-model.safetensors", "0"])
        1
    """
    arguments = _parser().parse_args(argv)
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print(f"\npycnn {arguments.command}: stopped", file=sys.stderr)
        return 130
    except WrongUsage as error:
        print(f"pycnn {arguments.command}: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader, `head` say, has gone. Keep the interpreter from telling so when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError, TypeError, RuntimeError, ImportError, MemoryError) as error:
        if os.environ.get("PYCNN_TRACEBACK"):
            raise
        message = str(error) or type(error).__name__
        print(f"pycnn {arguments.command}: error: {message}", file=sys.stderr)
        return 1
