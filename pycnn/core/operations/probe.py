"""Whether what a network computes is a function of each sample by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from pycnn.core.blueprint import Blueprint
from pycnn.core.function import Function
from pycnn.core.symbolic import KerasTensor


class _NotOfSamplesError(Exception):
    pass


class _Probe(Blueprint):
    """A graph that takes no more than functions of each sample by itself."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise _NotOfSamplesError

    assign = batch_norm = batch_reduce = moves = _refuse


def is_of_samples(inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor]) -> bool:
    """Whether outputs are computed from inputs sample by sample, and nothing else happens on the way."""
    if not all(output.is_batched for output in outputs):
        return False
    graph = _Probe(training=True, in_order=True)
    try:
        Function(inputs, outputs).lower(graph, [graph.stand_in(symbol) for symbol in inputs])
    except _NotOfSamplesError:
        return False
    return not graph.losses and not graph.penalties
