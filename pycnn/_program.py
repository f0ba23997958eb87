"""Layers made into one network of the C++ core."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pycnn._core import Graph, Network, weights_moved

if TYPE_CHECKING:
    from pycnn.layers.base import Layer

_moving = threading.Lock()


class Program:
    """A chain of layers for one input shape, with the network that runs it.

    The network owns the memory of the weights, and the layers' variables are views into it. A layer may be
    part of several programs (a model, and a second one made from some of its layers): the one that runs takes
    the weights over with `claim`, so that all of them see the same values.
    """

    def __init__(
        self, layers: Sequence[Layer], input_shape: tuple[int, ...], input_name: str = "input"
    ) -> None:
        graph = Graph()
        node = graph.input(input_shape, name=input_name)
        values = 0
        for layer in layers:
            node = layer.connect(graph, node)
            values += int(np.prod(graph.shape(node)))
        self.network = Network(graph, node)
        self.input_shape = tuple(self.network.input_shape)
        self.output_shape = tuple(self.network.output_shape)
        self.variables = [variable for layer in layers for variable in layer.weights]
        self.trainable = trainable_flags(layers)
        self._views = [self.network.parameter(i).reshape(v.shape) for i, v in enumerate(self.variables)]
        if self.network.parameter_count != len(self.variables):
            raise RuntimeError(
                f"the network has {self.network.parameter_count} parameters, not {len(self.variables)}"
            )
        for i, trainable in enumerate(self.trainable):
            self.network.set_trainable(i, trainable)
        self.network.set_seed(_dropout_seed(layers))
        # Samples for one uninterrupted call: about 2**25 numbers computed, tens of milliseconds.
        self.samples_per_call = max(32, 2**25 // max(values, 1) // 32 * 32)
        self.claim()

    def claim(self) -> None:
        """Takes over weights that another program holds now."""
        network = self.network
        for variable in self.variables:
            if variable.network is not network:
                self._take()
                return

    def _take(self) -> None:
        with _moving:
            for variable, view in zip(self.variables, self._views, strict=True):
                if variable.network is not self.network:
                    variable.move(self.network, view)
            self.network.touch()
            weights_moved()


def trainable_flags(layers: Sequence[Layer]) -> list[bool]:
    """For each weight, whether the optimizer may change it."""
    return [
        variable.trainable and leaf.trainable
        for layer in layers
        for leaf in layer.leaves()
        for variable in leaf.weights
    ]


def _dropout_seed(layers: Sequence[Layer]) -> int:
    """One seed made from those of all dropout layers."""
    seeds = [getattr(leaf, "actual_seed", 0) for layer in layers for leaf in layer.leaves()]
    return int(np.random.SeedSequence(seeds).generate_state(1)[0])
