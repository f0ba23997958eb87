"""Losses that layers add while they compute: by `add_loss`, and by regularizers of their outputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pycnn.core.blueprint import Blueprint
from pycnn.core.function import Function, tracing
from pycnn.core.symbolic import KerasTensor

if TYPE_CHECKING:
    from pycnn.core.layer import Layer


def added_losses(graph: Blueprint, first: tuple[int, int] = (0, 0)) -> list[tuple[int, Layer]]:
    """The nodes of losses that layers have added to a graph, and the layers.

    Args:
        graph: to which a function has been added.
        first: how many losses and regularized outputs were there before those that are wanted.
    """
    found = graph.losses[first[0] :]
    for regularizer, node, layer in graph.penalties[first[1] :]:
        symbol = KerasTensor((None, *graph.shape(node)), name=layer.name)
        with tracing():
            what = f"The activity_regularizer of layer {layer.name!r}"
            value = one_number(what, regularizer(symbol)) / _samples(symbol)
        found.append((Function([symbol], [value]).lower(graph, [node])[0], layer))
    return found


def one_number(what: str, value: Any) -> Any:
    """What a regularizer returned, where it is a symbol of one number."""
    if not isinstance(value, KerasTensor) or value.shape != ():
        raise TypeError(
            f"{what} returned {value!r:.200}; expected one number, as keras.ops compute it from a symbol"
        )
    return value


def _samples(x: KerasTensor) -> Any:
    """The number of samples in a batch, as a symbol."""
    from pycnn.core.operations import creation, gradients, reductions, shapes

    first = shapes.reshape(gradients.stop_gradient(x), (-1, math.prod(x.sample_shape)))[:, 0]
    return reductions.sum(creation.ones_like(first))
