"""Layers made into one network of the C++ core."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from pycnn._core import Graph, Network, weights_moved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.variable import Variable

    F32: TypeAlias = NDArray[np.float32]

_moving = threading.Lock()
# A short description of models inside models, each used twice, can stand for any number of calls.
_MOST_CALLS = 1 << 14


class Connectable(Protocol):
    """What is asked here of a layer or model."""

    @property
    def weights(self) -> list[Variable]:
        """All weights."""

    @property
    def trainable(self) -> bool:
        """Whether the optimizer may change them."""

    def connect(self, graph: Blueprint, nodes: Sequence[int]) -> int:
        """Adds it to a graph behind `nodes`; returns the node of its output."""

    def lower(self, graph: Graph, node: int) -> int:
        """Adds the nodes of the core's graph that it is."""


class Blueprint(Graph):
    """The core's graph, with the layers that it is made from and the variables that its parameters are."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[Connectable] = []
        self.variables: list[Variable] = []
        self.values = 0  # numbers that one sample's layers compute
        self._calls = 0
        self._first: dict[int, int] = {}  # the number of each layer's first parameter, by the layer's id

    def add_layer(self, layer: Connectable, nodes: Sequence[int]) -> int:
        """Adds a layer that has no others inside; one that is there already shares its weights.

        Args:
            layer: that has its weights.
            nodes: one for each input.

        Returns:
            The node of its output.
        """
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise ValueError(f"The model calls layers more than {_MOST_CALLS:,} times")
        if id(layer) in self._first:
            first = self._first[id(layer)]
            self.reuse(range(first, first + len(layer.weights)))
        else:
            self._first[id(layer)] = len(self.variables)
            self.layers.append(layer)
            self.variables += layer.weights
        node = layer.lower(self, *nodes)
        self.values += math.prod(self.shape(node))
        return node


class Program:
    """A layer (or a model) for one input shape, with the network that runs it.

    The network owns the memory of the weights, and the layers' variables are views into it. A layer may be
    part of several programs (a model, and a second one made from some of its layers): the one that runs takes
    the weights over with `claim`, so that all of them see the same values.
    """

    def __init__(self, layer: Connectable, input_shape: tuple[int, ...], input_name: str = "input") -> None:
        graph = Blueprint()
        output = layer.connect(graph, [graph.input(input_shape, name=input_name)])
        self.network = Network(graph, output)
        self.input_shape = tuple(self.network.input_shape)
        self.output_shape = tuple(self.network.output_shape)
        self.variables = graph.variables
        self._layers = graph.layers
        self._trainable = _trainable(graph.layers)
        self._views = [self.network.parameter(i).reshape(v.shape) for i, v in enumerate(self.variables)]
        if self.network.parameter_count != len(self.variables):
            raise RuntimeError(
                f"the network has {self.network.parameter_count} parameters, not {len(self.variables)}"
            )
        for i, trainable in enumerate(self._trainable):
            self.network.set_trainable(i, trainable)
        self.network.set_seed(_dropout_seed(graph.layers))
        # Samples for one uninterrupted call: about 2**25 numbers computed, tens of milliseconds.
        self.samples_per_call = max(32, 2**25 // max(graph.values, 1) // 32 * 32)
        self.claim()

    def is_current(self) -> bool:
        """Whether `trainable` of all layers is what it was made for."""
        return self._trainable == _trainable(self._layers)

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


def run(program: Program, x: NDArray[Any]) -> F32:
    """The output for samples that the core takes as they are."""
    program.claim()
    y = np.empty((len(x), *program.output_shape), np.float32)
    program.network.predict(x, y)
    return y


def _trainable(layers: Sequence[Connectable]) -> list[bool]:
    """For each weight, whether the optimizer may change it."""
    return [variable.trainable and layer.trainable for layer in layers for variable in layer.weights]


def _dropout_seed(layers: Sequence[Connectable]) -> int:
    """One seed made from those of all dropout layers."""
    seeds = [getattr(layer, "actual_seed", 0) for layer in layers]
    return int(np.random.SeedSequence(seeds).generate_state(1)[0])
