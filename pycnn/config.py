"""This build, this machine, and the number of threads."""

from __future__ import annotations

from pycnn import _core
from pycnn._policy import dtype_policy, set_dtype_policy
from pycnn.ops._arguments import as_int

__all__ = [
    "dtype_policy",
    "get_isa",
    "get_num_threads",
    "set_dtype_policy",
    "set_isa",
    "set_num_threads",
    "show_config",
]


def show_config() -> None:
    """Prints version, compiler, ISAs, threads and where data was found: what `pycnn info` prints."""
    from pycnn.cli import info

    print(info.as_text(info.describe()))


def get_num_threads() -> int:
    """The number of threads that compute."""
    return _core.get_num_threads()


def set_num_threads(threads: int) -> None:
    """Sets the number of threads that compute. Results do not depend on it.

    Args:
        threads: at least 1.

    Raises:
        TypeError, ValueError: if it is no such number.

    Example:
        >>> import pycnn
        >>> before = pycnn.config.get_num_threads()
        >>> pycnn.config.set_num_threads(1)
        >>> pycnn.config.get_num_threads()
        1
        >>> pycnn.config.set_num_threads(before)
    """
    _core.set_num_threads(as_int("threads", threads, 1))


def get_isa() -> str:
    """The instruction set whose kernels run: baseline, avx2, avx512 or avx512_bf16."""
    return str(_core.config()["isa_active"])


def set_isa(name: str) -> None:
    """Uses the kernels of this instruction set for all networks that are made from now on.

    Args:
        name: one of `isas_available` that `pycnn info` lists.

    Raises:
        ValueError: if there is no such instruction set.
        RuntimeError: if the CPU lacks it.
    """
    _core.set_isa(name)
