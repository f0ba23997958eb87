"""The core's graph while it grows, and the variables that its parameters are."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn._core import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.symbolic import KerasTensor, Node
    from pycnn.core.variable import Variable

# A short description of models inside models, each used twice, can stand for any number of calls.
_MOST_CALLS = 1 << 14


class Blueprint(Graph):
    """A graph of the core that operations add themselves to.

    Args:
        training: whether it is for training steps.
        frozen: layers (by id) whose weights must stay, and which work as in inference; None: as they say.
        undecided: whether nobody has said if it is a training: a call on arrays without `training`.
        in_order: whether functions add their calls in the order in which they were made, as variables get
            new values on the way.
    """

    def __init__(
        self,
        training: bool = False,
        frozen: frozenset[int] | None = None,
        undecided: bool = False,
        in_order: bool = False,
    ) -> None:
        super().__init__()
        self.in_order = in_order
        self.training = training
        self.undecided = undecided
        self.works_undecided = False  # whether an operation does then something else than in inference
        self.mode: bool | None = None  # what the calls around have been given as `training`
        self.asked_for_training = False  # whether an operation did something else for it
        self.variables_of: dict[int, Variable] = {}  # by node
        self.trainable: dict[int, bool] = {}  # by node of a variable
        self.assigned: dict[Variable, int] = {}  # nodes of the values that calls have given variables
        self._read: dict[Variable, int] = {}  # as what these are read
        self._moved: set[Variable] = set()  # by the core, while a step runs
        self.layers: dict[int, Any] = {}  # by id, those that have been lowered
        self.penalties: list[tuple[Any, int, Any]] = []  # regularizers of outputs, nodes, layers
        # Of nodes that are images in another form, with its data format: the node of the images (h, w, c).
        self.images: dict[tuple[int, str], int] = {}
        self.losses: list[tuple[int, Any]] = []  # nodes that layers added to the loss, layers
        self.seeds: list[int] = []  # of random numbers that belong to no layer of this package
        self.values = 0  # numbers that one sample's operations compute
        self._frozen = frozen
        self._calls = 0
        self._first_input: int | None = None

    def phase(self) -> bool:
        """Whether operations that ask for it shall work as in training."""
        self.asked_for_training = True
        return self.training if self.mode is None else self.mode

    def phase_or_undecided(self) -> bool:
        """The same of operations that also work so where nobody has said whether it is a training."""
        told = self.phase()
        if self.mode is not None:
            return told
        self.works_undecided = True
        return told or self.undecided

    def is_frozen(self, layer: Any) -> bool:
        """Whether the weights of a layer must stay."""
        return not layer.trainable if self._frozen is None else id(layer) in self._frozen

    def variable(self, variable: Variable, layer: Any = None) -> int:
        """The node of a variable; one node, however often it is read between two assignments."""
        if variable in self.assigned and not variable.trainable:
            return self._reading(variable, None)
        node = self.parameter(variable.core)
        self.variables_of[node] = variable
        if layer is not None:
            self.trainable[node] = variable.trainable and not self.is_frozen(layer)
        else:
            self.trainable.setdefault(node, variable.trainable)
        return self._reading(variable, node) if variable in self.assigned else node

    def assign(self, variable: Variable, node: int) -> None:
        """Lets a variable be read as the value of a node from now on.

        Raises:
            NotImplementedError: if the core moves it by itself.
        """
        if variable in self._moved:
            raise _moved(variable)
        self.assigned[variable] = node
        self._read.pop(variable, None)

    def moves(self, variables: Sequence[Variable]) -> None:
        """Notes variables that the core moves by itself, while a step runs.

        Raises:
            NotImplementedError: if a call has assigned to one.
        """
        self._moved |= set(variables)
        for variable in variables:
            if variable in self.assigned:
                raise _moved(variable)

    def _reading(self, variable: Variable, parameter: int | None) -> int:
        """What has been assigned, without its past: a gradient by it goes to the variable."""
        if variable not in self._read:
            node = self.stop_gradient(self.assigned[variable], name=variable.name)
            if parameter is not None:  # plus the difference of the old value to itself, which is 0
                old = self.stop_gradient(parameter, name=variable.name)
                code: list[Any] = [("subtract", 1, 2), ("add", 0, 3)]
                node = self.map([node, parameter, old], code, name=variable.name)
            self._read[variable] = node
        return self._read[variable]

    @contextlib.contextmanager
    def with_assigned(self, nodes: dict[Variable, int]) -> Iterator[dict[Variable, int]]:
        """Inside, variables have been assigned these nodes, and what is assigned does not count outside."""
        before = self.assigned, self._read
        self.assigned, self._read = dict(nodes), {}
        try:
            yield self.assigned
        finally:
            self.assigned, self._read = before

    def input(self, shape: Sequence[int], name: str = "input", dtype: str = "float32") -> int:
        """The node of an input, which every sample has."""
        node = super().input(shape, name=name, dtype=dtype)
        if self._first_input is None:
            self._first_input = node
        return node

    def zero_of_samples(self) -> int:
        """The node of a zero that every sample has: what gives a batch axis to values without one."""
        first = self.input((1,)) if self._first_input is None else self._first_input
        sample = self.strided(first, shape=[1], offset=0, strides=[1], name="samples")
        return self.map([sample], [("constant", 0.0)], name="samples")

    def values_of(self, array: NDArray[np.float32], name: str = "constant") -> int:
        """The node of a constant."""
        return self.constant(array, name=name)

    def leaf(self, symbol: KerasTensor) -> int:
        """The node of a variable, a constant or random numbers."""
        if symbol.variable is not None:
            return self.variable(symbol.variable)
        if symbol.seed is not None:
            self.seeds.append(symbol.seed)
            return self.uniform(list(symbol.sample_shape), batched=symbol.is_batched, name=symbol.name)
        assert symbol.constant is not None
        return self.values_of(symbol.constant, symbol.name)

    def stand_in(self, symbol: KerasTensor) -> int:
        """A node of a symbol's shape, for a graph that shows what is made of it."""
        if symbol.is_leaf:
            return self.leaf(symbol)
        if symbol.is_batched:
            return self.input(symbol.sample_shape, name=symbol.name)
        return self.values_of(np.zeros(symbol.sample_shape, np.float32))

    def call(self, call: Node, nodes: Sequence[int]) -> Sequence[int]:
        """Adds one call of an operation; returns the nodes of its outputs."""
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise ValueError(f"The model calls layers more than {_MOST_CALLS:,} times")
        with self._given(call.training):
            outputs = call.operation.connect(self, call, nodes)
        self.values += sum(math.prod(self.shape(node)) for node in outputs)
        return outputs

    @contextlib.contextmanager
    def _given(self, training: bool | None) -> Iterator[None]:
        before = self.mode
        if training is not None:
            self.mode = training
        try:
            yield
        finally:
            self.mode = before


def _moved(variable: Variable) -> NotImplementedError:
    return NotImplementedError(
        f"{variable.path} is a moving statistic that training steps update; a `call` cannot assign to it. "
        f"Assign between steps, in a `train_step` or a callback"
    )
