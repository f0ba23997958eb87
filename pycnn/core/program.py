"""A function of symbols with the networks of the core that run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.core.blueprint import Blueprint
from pycnn.core.tensor import before_reading
from pycnn.core.updates import Updates
from pycnn.core.variable import new_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.function import Function
    from pycnn.core.variable import Variable

    F32: TypeAlias = NDArray[np.float32]


class Goal(Protocol):
    """What a program is trained for."""

    frozen: frozenset[int]

    def bind(self, graph: Blueprint, outputs: Sequence[int]) -> dict[str, Any]:
        """Adds what it needs to a graph; returns the arguments of `Network.compile`."""


class Program:
    """Networks for a function: one for prediction or, with a goal, those for training and testing.

    Args:
        function: to run.
        goal: losses, metrics and optimizer; None for prediction only.
        training: whether predictions are made as in training; None where nobody has said so.
    """

    def __init__(self, function: Function, goal: Goal | None = None, training: bool | None = False) -> None:
        self._goal = goal
        self._training = bool(training)
        self._undecided = training is None
        self.input_shapes = [symbol.sample_shape for symbol in function.inputs]
        self.network, graph = self._made(function, goal is not None or self._training)
        self.variables = _variables(graph)  # of `network`, whose parameters they are
        self.updates = Updates(self.network, graph.assigned)
        self._assigns = bool(self.updates)
        self.works_undecided = graph.works_undecided
        self.adds_losses = bool(graph.losses or graph.penalties)
        # A second network only where operations differ between training and inference.
        self.test_network, self.test_updates = self.network, self.updates
        if goal is not None and graph.asked_for_training:
            self.test_network, graph = self._made(function, False)
            self.test_updates = Updates(self.test_network, graph.assigned)
        outputs = [self.network.graph.node(node) for node in self.network.outputs[: len(function.outputs)]]
        self.output_shapes = [shape for _, _, _, shape, _ in outputs]
        self.batched = [batched for *_, batched in outputs]
        # Samples for one uninterrupted call: about 2**25 numbers computed, tens of milliseconds.
        self.samples_per_call = max(32, 2**25 // max(graph.values, 1) // 32 * 32)
        if self._assigns:  # once for each batch, not for as many samples as come
            self.samples_per_call = 1

    def _made(self, function: Function, training: bool) -> tuple[_core.Network, Blueprint]:
        options = training, None if self._goal is None else self._goal.frozen, self._undecided
        graph = Blueprint(*options)
        outputs = lowered(function, graph)
        if graph.assigned:
            graph = Blueprint(*options, in_order=True)
            outputs = lowered(function, graph)
        arguments = None if self._goal is None else self._goal.bind(graph, outputs)
        variables = _variables(graph)
        for variable in variables:
            variable.initialized()
        network = _core.Network(graph, [*outputs, *graph.assigned.values()])
        trainable = {variable: graph.trainable[node] for node, variable in graph.variables_of.items()}
        for i, variable in enumerate(variables):
            network.set_trainable(i, trainable[variable])
        network.set_seed(seed_of(graph))
        if arguments is not None:
            network.compile(**arguments)
        return network, graph

    @property
    def is_single(self) -> bool:
        """Whether there is one input and one output."""
        return len(self.input_shapes) == 1 and len(self.output_shapes) == 1

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[F32]:
        """The outputs for samples that the core takes as they are."""
        n = len(inputs[0])
        outputs = [
            np.empty((n, *shape) if batched else shape, np.float32)
            for shape, batched in zip(self.output_shapes, self.batched, strict=True)
        ]
        if new_values:
            before_reading()
        if not self._assigns:
            self.network.predict(inputs, outputs, self._training)
            return outputs
        values = self.updates.arrays()
        self.network.predict(inputs, [*outputs, *values], self._training)
        self.updates.write(values)
        return outputs


def lowered(function: Function, graph: Blueprint) -> list[int]:
    """Adds a function to an empty graph, with its inputs; returns the nodes of its outputs."""
    nodes = [
        graph.input(symbol.sample_shape, name=symbol.name, dtype=symbol.dtype) for symbol in function.inputs
    ]
    return function.lower(graph, nodes)


def seed_of(graph: Blueprint) -> int:
    """One seed made from those of all dropout layers, and of the random numbers of other ones."""
    seeds = [getattr(layer, "actual_seed", 0) for layer in graph.layers.values()] + graph.seeds
    return int(np.random.SeedSequence(seeds).generate_state(1)[0])


def _variables(graph: Blueprint) -> list[Variable]:
    """The variables of a graph, in the order of its parameters."""
    of_core = {id(variable.core): variable for variable in graph.variables_of.values()}
    return [of_core[id(core)] for core in graph.variables]
