"""Programs for what tapes have recorded: made once for each structure, run on the arrays of each recording."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.core import tree
from pycnn.core.blueprint import Blueprint
from pycnn.core.function import Function
from pycnn.core.program import seed_of
from pycnn.core.symbolic import KerasTensor, Node
from pycnn.core.tensor import Placeholder, Tensor
from pycnn.core.variable import Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]

_MOST_PROGRAMS = 16  # of one owner
_unowned: dict[str, Any] = {}  # programs without a layer or variable
compilations = 0  # programs made so far


class Recording:
    """What some symbols are computed from: calls, arrays, and a key that is the same for the same structure.

    Args:
        outputs: the symbols.
    """

    def __init__(self, outputs: Sequence[KerasTensor]) -> None:
        self.outputs = list(dict.fromkeys(outputs))
        self.placeholders: list[Placeholder] = []
        self.holders: list[Any] = []  # layers and variables, by whose identity the key knows them
        self.training = False
        self.calls: dict[Node, None] = {}
        self._numbers: dict[KerasTensor, int] = {}
        self._key: list[Any] = []
        for output in self.outputs:
            self._visit(output)
        self._key.append(tuple(self._numbers[output] for output in self.outputs))

    @property
    def key(self) -> tuple[Any, ...]:
        """The structure."""
        return tuple(self._key)

    def number(self, symbol: KerasTensor) -> int | None:
        """The number of a symbol; None for one that nothing needs."""
        return self._numbers.get(symbol)

    def samples(self) -> int | None:
        """How many samples the arrays have, None where there is no batch."""
        sizes = {len(p.array) for p in self.placeholders if p.is_batched}
        if len(sizes) > 1:
            raise ValueError(
                f"One gradient is of one batch, but {sorted(sizes)} samples meet in what the tape recorded; "
                f"use a tape for each batch"
            )
        return sizes.pop() if sizes else None

    def _visit(self, output: KerasTensor) -> None:
        stack = [(output, False)]
        while stack:
            symbol, ready = stack.pop()
            node = symbol.node
            if symbol in self._numbers:
                continue
            if node is None or not node.inputs:
                self._leaf(symbol)
            elif ready:
                self._call(node)
            else:
                stack.append((symbol, True))
                stack.extend((origin, False) for origin in reversed(node.inputs))

    def _add(self, symbol: KerasTensor) -> None:
        self._numbers[symbol] = len(self._numbers)

    def _leaf(self, symbol: KerasTensor) -> None:
        self._add(symbol)
        if isinstance(symbol, Placeholder):
            self.placeholders.append(symbol)
            self._key.append(("array", symbol.shape, symbol.array.dtype.name))
        elif symbol.variable is not None:
            self.holders.append(symbol.variable)
            self._key.append(("variable", id(symbol.variable)))
        elif symbol.constant is not None:
            self._key.append(("constant", symbol.constant.shape, symbol.constant.tobytes()))
        else:
            raise ValueError(f"{symbol!r} belongs to a model that is being built, and has no values in a tape")

    def _call(self, node: Node) -> None:
        self.calls[node] = None
        self.training = self.training or bool(node.training)
        operation = node.operation
        attributes = getattr(operation, "attributes", None)
        if attributes is None:
            self.holders.append(operation)
            leaves = operation.leaves() if hasattr(operation, "leaves") else ()
            known: Any = (id(operation), tuple((id(leaf), leaf.trainable) for leaf in leaves))
        else:
            known = (operation.function.name, self._frozen(attributes))  # type: ignore[attr-defined]
        inputs = tuple(self._numbers[symbol] for symbol in node.inputs)
        self._key.append((known, node.training, inputs, self._frozen(node.arguments), len(node.outputs)))
        for symbol in node.outputs:
            self._add(symbol)

    def _frozen(self, x: Any) -> Any:
        """Arguments as something that can be compared and hashed."""
        if isinstance(x, KerasTensor):
            return ("symbol", self._numbers[x])
        if isinstance(x, dict):
            return ("dict", *((key, self._frozen(value)) for key, value in x.items()))
        if isinstance(x, (list, tuple)):
            return (type(x).__name__, *(self._frozen(item) for item in x))
        if isinstance(x, (np.ndarray, np.generic)):
            return (x.dtype.name, x.shape, x.tobytes())
        if isinstance(x, slice):
            return ("slice", self._frozen((x.start, x.stop, x.step)))
        if callable(x) or hasattr(x, "__dict__"):
            self.holders.append(x)
            return ("object", id(x))
        return (type(x).__name__, x)


class Sources:
    """By what a gradient is taken.

    Args:
        recording: of the target.
        given: variables and Tensors.
    """

    def __init__(self, recording: Recording, given: Sequence[Variable | Tensor]) -> None:
        self.given = given
        # Of each source, the symbols that stand for it; a variable stands for itself.
        self.symbols: list[list[KerasTensor]] = [
            [] if isinstance(x, Variable) else [s for s in x.forms() if recording.number(s) is not None]
            for x in given
        ]
        self.key = tuple(
            id(x) if isinstance(x, Variable) else tuple(recording.number(s) for s in symbols)
            for x, symbols in zip(given, self.symbols, strict=True)
        )

    @property
    def are_variables(self) -> bool:
        """Whether all of them are variables."""
        return all(isinstance(x, Variable) for x in self.given)


class TapedProgram:
    """A network for a recording's structure.

    Args:
        recording: one of that structure.
        outputs: symbols whose values are wanted.
        target: whose gradient is taken, or None.
        sources: by what.
    """

    def __init__(
        self,
        recording: Recording,
        outputs: Sequence[KerasTensor],
        target: KerasTensor | None = None,
        sources: Sources | None = None,
    ) -> None:
        global compilations
        compilations += 1
        self._holders = recording.holders  # so that no other object gets their identity
        self._training = recording.training
        self._slots: list[Variable | None] = []
        graph = Blueprint()
        nodes = [self._input(graph, p) for p in recording.placeholders]
        self._is_fed = any(p.is_batched for p in recording.placeholders)
        if not self._is_fed:
            graph.input((1,), name="nothing")
        inner = [] if sources is None else [s for symbols in sources.symbols for s in symbols]
        ends = [*outputs, *([] if target is None else [target]), *inner]
        found = Function(recording.placeholders, ends).lower(graph, nodes)
        self._graph = graph
        self._outputs = found[: len(outputs)]
        self._variables: list[Variable] = []
        self._gradients: list[Any] = []  # of each source, the places of its parts
        self._by_step = False
        if target is not None and sources is not None:
            node_of = dict(zip(inner, found[len(outputs) + 1 :], strict=True))
            self._differentiate(recording, target, found[len(outputs)], sources, node_of)
        else:
            self._make(self._outputs)

    def _input(self, graph: Blueprint, placeholder: Placeholder) -> int:
        if placeholder.is_batched:
            self._slots.append(None)
            dtype = "uint8" if placeholder.array.dtype == np.uint8 else "float32"
            return graph.input(placeholder.sample_shape, name=placeholder.name, dtype=dtype)
        slot = Variable("array", placeholder.sample_shape, np.zeros, trainable=False)
        self._slots.append(slot)
        return graph.variable(slot)

    def _make(self, outputs: Sequence[int]) -> None:
        graph = self._graph
        by_core = {id(variable.core): variable for variable in graph.variables_of.values()}
        self._variables = [by_core[id(core)] for core in graph.variables]
        for variable in self._variables:
            variable.initialized()
        self._network = _core.Network(graph, outputs)
        self._network.set_seed(seed_of(graph.layers.values()))
        described = [graph.node(node) for node in outputs]
        self._shapes = [(shape, batched) for *_, shape, batched in described]

    def _differentiate(
        self,
        recording: Recording,
        target: KerasTensor,
        target_node: int,
        sources: Sources,
        node_of: dict[KerasTensor, int],
    ) -> None:
        graph = self._graph
        by_variable = {id(variable): node for node, variable in graph.variables_of.items()}
        places = [
            [by_variable[id(x)]] if isinstance(x, Variable) and id(x) in by_variable else [node_of[s] for s in symbols]
            for x, symbols in zip(sources.given, sources.symbols, strict=True)
        ]
        places = [[node for node in nodes if _reaches(graph, target_node, node)] for nodes in places]
        # The gradients of a mean by variables are a step's, which needs no sum over the batch as a value.
        self._by_step = sources.are_variables and math_size(target) == 1 and not graph.is_batched(target_node)
        if self._by_step:
            self._step(recording, target, target_node, places)
            return
        further: list[int] = []
        for nodes in places:
            self._gradients.append(range(len(self._outputs) + len(further), len(self._outputs) + len(further) + len(nodes)))
            further += [graph.gradient(target_node, node, name="gradient") for node in nodes]
        self._make([*self._outputs, *further])

    def _step(self, recording: Recording, target: KerasTensor, target_node: int, places: list[list[int]]) -> None:
        graph = self._graph
        self._make(self._outputs)
        wanted = {id(graph.variables_of[node].core) for nodes in places for node in nodes}
        order = {id(core): i for i, core in enumerate(graph.variables)}
        for core, i in order.items():
            self._network.set_trainable(i, core in wanted)
        self._gradients = [[order[id(graph.variables_of[node].core)] for node in nodes] for nodes in places]
        self._network.compile(losses=[(target_node, "value", False, 1.0, -1)])

    # --- running it -----------------------------------------------------------------------------------------
    def run(self, recording: Recording) -> tuple[list[F32], list[F32 | None]]:
        """Values of the outputs, and the gradient by each source, None where the target does not depend on it."""
        samples = recording.samples() or 1
        inputs: list[Any] = []
        for slot, placeholder in zip(self._slots, recording.placeholders, strict=True):
            if slot is None:
                inputs.append(placeholder.array)
            else:
                slot.overwrite(placeholder.array)
        if not self._is_fed:
            inputs.append(np.zeros((1, 1), np.float32))
        arrays = [np.empty((samples, *shape) if batched else shape, np.float32) for shape, batched in self._shapes]
        if self._by_step:
            self._network.compute_gradients(inputs, [], None, [], arrays)
            found = [
                sum_of([np.array(self._network.gradient(i)) for i in places]) for places in self._gradients
            ]
            return arrays, found
        self._network.predict(inputs, arrays, self._training)
        return arrays[: len(self._outputs)], [sum_of([arrays[i] for i in places]) for places in self._gradients]


def sum_of(parts: list[F32]) -> F32 | None:
    """The sum of gradients by several forms of a source; None for none."""
    if not parts:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def math_size(symbol: KerasTensor) -> int:
    """Values of one sample."""
    size = 1
    for length in symbol.sample_shape:
        size *= length
    return size


def _reaches(graph: Blueprint, of: int, by: int) -> bool:
    """Whether a gradient goes from one node to another."""
    pending, seen = [of], set()
    while pending:
        node = pending.pop()
        if node == by:
            return True
        if node > by and node not in seen:
            seen.add(node)
            operation, _, inputs, *_ = graph.node(node)
            if operation == "take":
                inputs = inputs[:1]
            if operation not in ("stop_gradient", "gradient"):
                pending.extend(inputs)
    return False


# --- finding programs ---------------------------------------------------------------------------------------
def _program(
    recording: Recording,
    outputs: Sequence[KerasTensor],
    target: KerasTensor | None = None,
    sources: Sources | None = None,
) -> TapedProgram:
    """The program of a structure, kept by the first layer or variable in it, so that it goes when that goes."""
    owner = next((x for x in recording.holders if isinstance(x, Variable) or hasattr(x, "connect")), None)
    place = _unowned if owner is None else owner.__dict__
    programs: OrderedDict[Any, TapedProgram] = place.setdefault("_taped", OrderedDict())
    key = (
        recording.key,
        tuple(recording.number(x) for x in outputs),
        None if target is None else recording.number(target),
        None if sources is None else sources.key,
    )
    program = programs.get(key)
    if program is None:
        program = programs[key] = TapedProgram(recording, outputs, target, sources)
        if len(programs) > _MOST_PROGRAMS:
            programs.popitem(last=False)
    programs.move_to_end(key)
    return program


def evaluate(tensors: Iterable[Tensor]) -> None:
    """Computes Tensors: those of each batch in one run."""
    groups: dict[int | None, list[Tensor]] = {}
    for tensor in tensors:
        groups.setdefault(tensor.samples if tensor.samples is not None else _samples_of(tensor), []).append(tensor)
    for group in groups.values():
        symbols = [tensor.symbol for tensor in group if tensor.symbol is not None]
        recording = Recording(symbols)
        values, _ = _program(recording, recording.outputs).run(recording)
        by_symbol = dict(zip(recording.outputs, values, strict=True))
        for tensor in group:
            if tensor.symbol is not None:
                tensor.set_value(_typed(by_symbol[tensor.symbol], tensor.symbol.dtype))


def _samples_of(tensor: Tensor) -> int | None:
    return None if tensor.symbol is None else Recording([tensor.symbol]).samples()


def _typed(array: Any, dtype: str) -> Any:
    """The core's floats as the type that the function says."""
    return array.astype(dtype) if np.dtype(dtype).kind in "biu" else array


def gradients(
    target: Tensor, given: Sequence[Variable | Tensor], live: Sequence[Tensor]
) -> tuple[list[F32 | None], Recording]:
    """The gradient of the sum of a target by each source. Computes the target, and on the way Tensors that are `live`."""
    assert target.symbol is not None
    recording = Recording([target.symbol])
    wanted = [target, *(t for t in live if t is not target and t.symbol is not None)]
    wanted = [t for t in wanted if not t.is_known and recording.number(t.symbol) is not None]  # type: ignore[arg-type]
    outputs = list(dict.fromkeys(t.symbol for t in wanted if t.symbol is not None))
    sources = Sources(recording, given)
    values, found = _program(recording, outputs, target.symbol, sources).run(recording)
    by_symbol = dict(zip(outputs, values, strict=True))
    for tensor in wanted:
        assert tensor.symbol is not None
        tensor.set_value(_typed(by_symbol[tensor.symbol], tensor.symbol.dtype))
    return found, recording
