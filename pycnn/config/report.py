"""Facts about this build, this machine, and where data is."""

from __future__ import annotations

from typing import Any

_CONVOLUTIONS = {
    False: "Winograd's form where it is faster",
    True: "direct sums only (exact mode)",
}


def describe() -> dict[str, Any]:
    """The facts, by name.

    Example:
        >>> sorted(describe())[:4]
        ['build_type', 'compiler', 'data', 'exact']
    """
    import platform

    import numpy as np

    from pycnn import _core
    from pycnn.datasets import fashion_mnist, mnist

    data = {}
    for title, dataset in (("Fashion-MNIST", fashion_mnist), ("MNIST", mnist)):
        try:
            data[title] = str(dataset.find())
        except FileNotFoundError as error:
            data[title] = str(error)
    return {**_core.config(), "python": platform.python_version(), "numpy": np.__version__, "data": data}


def as_text(facts: dict[str, Any]) -> str:
    """The facts of `describe`, as a table."""
    rows = [
        ("pycnn", f"{facts['version']} ({facts['build_type']})"),
        ("compiler", facts["compiler"]),
        ("ISAs built", ", ".join(facts["isas_built"])),
        ("ISAs available", ", ".join(facts["isas_available"])),
        ("ISA active", facts["isa_active"]),
        ("convolutions", _CONVOLUTIONS[facts["exact"]]),
        ("threads", f"{facts['threads']} ({facts['threads_reason']})"),
        ("OpenMP", facts["openmp"]),
        ("Python", facts["python"]),
        ("NumPy", facts["numpy"]),
        *facts["data"].items(),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def show_config() -> None:
    """Prints version, compiler, ISAs, threads and where data was found: what `pycnn info` prints."""
    print(as_text(describe()))
