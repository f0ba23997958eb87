"""Settings of the process: threads, instruction set, exactness."""

from __future__ import annotations

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_int


def get_num_threads() -> int:
    """The number of threads that compute, at most."""
    return _core.get_num_threads()


def set_num_threads(threads: int) -> None:
    """Sets the number of threads that compute, at most: small calls take fewer where that is faster.

    Results do not depend on it.

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


def get_exact() -> bool:
    """Whether convolutions are computed as direct sums only."""
    return bool(_core.config()["exact"])


def set_exact(exact: bool) -> None:
    """Asks for the most accurate results where a faster way of computing them rounds more coarsely.

    3x3 and 5x5 convolutions with many channels are computed in Winograd's form, which needs about a third of
    the arithmetic and has four to twelve times the rounding error. With `set_exact(True)` they are direct
    sums, in training and in inference. That holds for the whole process, for models that exist already too,
    from their next call on; set back, results are the same bits as before. PYCNN_EXACT=1 in the environment
    asks for it from the start.

    Args:
        exact: whether only direct sums are allowed.

    Raises:
        TypeError: if it is neither True nor False.

    Reference:
        Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015.

    Example:
        >>> import pycnn
        >>> pycnn.config.set_exact(True)
        >>> pycnn.config.get_exact()
        True
        >>> pycnn.config.set_exact(False)
    """
    if not isinstance(exact, (bool, np.bool_)):
        raise TypeError(f"exact is {exact!r}; expected True or False")
    _core.set_exact(bool(exact))
