"""Programs for what tapes have recorded: made once for each structure, run on each recording's arrays."""

from __future__ import annotations

import math
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.core.blueprint import Blueprint
from pycnn.core.function import Function
from pycnn.core.program import seed_of
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tangents import TangentBlueprint, total
from pycnn.core.taped_structure import Recording, Sources
from pycnn.core.tensor import Placeholder, Tensor, as_recorded
from pycnn.core.variable import Variable, new_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]

_MOST_PROGRAMS = 16  # of one owner
_unowned: dict[str, Any] = {}  # programs without a layer or variable
compilations = 0  # programs made so far


class TapedProgram:
    """A network for a recording's structure. One thread at a time runs it.

    Args:
        recording: one of that structure.
        outputs: symbols whose values are wanted.
        further: symbols whose nodes a subclass needs.
    """

    def __init__(
        self, recording: Recording, outputs: Sequence[KerasTensor], further: Sequence[KerasTensor] = ()
    ) -> None:
        global compilations
        compilations += 1
        self._lock = threading.Lock()
        self._holders = [_reference(holder) for holder in recording.holders]
        self._training = recording.training
        self._slots: list[Variable | None] = []  # of arrays without an axis of the samples
        second = recording.has_gradients
        self.graph: Blueprint = TangentBlueprint(recording.training) if second else Blueprint()
        self.graph.in_order = recording.assigns
        nodes = [self._input(placeholder) for placeholder in recording.placeholders]
        self._is_fed = any(slot is None for slot in self._slots)
        if not self._is_fed:
            self.graph.input((1,), name="nothing")
        found = Function(recording.placeholders, [*outputs, *further]).lower(self.graph, nodes)
        self.outputs = found[: len(outputs)]
        self.further = dict(zip(further, found[len(outputs) :], strict=True))

    def _input(self, placeholder: Placeholder) -> int:
        if placeholder.is_batched:
            self._slots.append(None)
            dtype = "uint8" if placeholder.array.dtype == np.uint8 else "float32"
            return self.graph.input(placeholder.sample_shape, name=placeholder.name, dtype=dtype)
        slot = Variable("array", placeholder.sample_shape, np.zeros, trainable=False)
        self._slots.append(slot)
        return self.graph.variable(slot)

    def target(self, symbol: KerasTensor) -> int:
        """The node of what gradients are taken of: one through which they go into gradients, too."""
        node = self.further[symbol]
        if not isinstance(self.graph, TangentBlueprint) or not self.graph.gradients_in(node):
            return node
        return self.graph.with_second_order(total(self.graph, node))

    def finish(self, outputs: Sequence[int]) -> TapedProgram:
        """Makes the network."""
        for variable in self.graph.variables_of.values():
            variable.initialized()
        self.network = _core.Network(self.graph, list(outputs))
        self.network.set_seed(seed_of(self.graph))
        described = [self.graph.node(node) for node in outputs]
        self._shapes = [(shape, batched) for *_, shape, batched in described]
        return self

    def release(self) -> TapedProgram:
        """Lets go of what was needed to make it, and of the layers in it: one of them keeps the program."""
        del self.graph, self.further
        return self

    def is_of(self, recording: Recording) -> bool:
        """Whether a recording of the same key has the same layers, and no new ones with their identities."""
        return all(
            reference() is holder for reference, holder in zip(self._holders, recording.holders, strict=True)
        )

    def run(self, recording: Recording) -> tuple[list[Any], list[F32 | None]]:
        """Values of the outputs, and the gradient by each source: None where there is no way to it."""
        samples = recording.samples() or 1
        arrays = [
            np.empty((samples, *shape) if batched else shape, np.float32) for shape, batched in self._shapes
        ]
        with self._lock:
            inputs: list[Any] = [] if self._is_fed else [np.zeros((1, 1), np.float32)]
            for slot, placeholder in zip(self._slots, recording.placeholders, strict=True):
                if slot is None:
                    inputs.append(placeholder.array)
                else:
                    slot.overwrite(placeholder.array)
            return self._compute(inputs, arrays)

    def _compute(self, inputs: list[Any], arrays: list[F32]) -> tuple[list[Any], list[F32 | None]]:
        self.network.predict(inputs, arrays, self._training)
        return arrays, []


class GradientProgram(TapedProgram):
    """One with gradients as values of the graph.

    Args:
        recording, outputs: see `TapedProgram`.
        target: whose sum the gradients are of.
        sources: by what.
    """

    def __init__(
        self, recording: Recording, outputs: Sequence[KerasTensor], target: KerasTensor, sources: Sources
    ) -> None:
        inner = [symbol for symbols in sources.symbols for symbol in symbols]
        super().__init__(recording, outputs, [target, *inner])
        graph, of = self.graph, self.target(target)
        wanted: list[int] = []
        self._places: list[range] = []  # of each source, of the gradients by its forms
        for nodes in _nodes(self, sources, of):
            begin = len(self.outputs) + len(wanted)
            self._places.append(range(begin, begin + len(nodes)))
            wanted += [graph.gradient(of, node, name="gradient") for node in nodes]
        self.finish([*self.outputs, *wanted])

    def _compute(self, inputs: list[Any], arrays: list[F32]) -> tuple[list[Any], list[F32 | None]]:
        self.network.predict(inputs, arrays, self._training)
        found = [_sum([arrays[i] for i in places]) for places in self._places]
        return arrays[: len(self.outputs)], found


class StepProgram(TapedProgram):
    """One whose gradients of one number by variables are a training step's.

    A mean over all samples is left to the step, which then takes a block of samples through everything.

    Args:
        recording, outputs, target, sources: see `GradientProgram`.
    """

    def __init__(
        self, recording: Recording, outputs: Sequence[KerasTensor], target: KerasTensor, sources: Sources
    ) -> None:
        self._target = next((i for i, x in enumerate(outputs) if x is target), None)
        self._shape = target.sample_shape
        summed = target if recording.has_gradients else _summed(target)
        super().__init__(recording, [x for x in outputs if x is not target], [summed])
        node = self.target(summed)
        places = _nodes(self, sources, node)
        self.finish(self.outputs)
        number = {id(core): i for i, core in enumerate(self.graph.variables)}
        self._places = [[number[id(self.graph.variables_of[n].core)] for n in nodes] for nodes in places]
        for i in number.values():
            self.network.set_trainable(i, any(i in places for places in self._places))
        self.network.compile(losses=[(node, "value", False, 1.0, -1)])

    def _compute(self, inputs: list[Any], arrays: list[F32]) -> tuple[list[Any], list[F32 | None]]:
        loss, _, _ = self.network.compute_gradients(inputs, [], None, [], arrays)
        values: list[Any] = list(arrays)
        if self._target is not None:
            values.insert(self._target, np.full(self._shape, loss, np.float32))
        return values, [_sum([np.array(self.network.gradient(i)) for i in places]) for places in self._places]


def _nodes(program: TapedProgram, sources: Sources, of: int) -> list[list[int]]:
    """Of each source, the nodes that stand for it and from which a gradient comes."""
    by_variable = {id(variable): node for node, variable in program.graph.variables_of.items()}
    found = []
    for x, symbols in zip(sources.given, sources.symbols, strict=True):
        if isinstance(x, Variable):
            nodes = [by_variable[id(x)]] if id(x) in by_variable else []
        else:
            nodes = [program.further[symbol] for symbol in symbols]
        found.append([node for node in nodes if _reaches(program.graph, of, node)])
    return found


def _summed(target: KerasTensor) -> KerasTensor:
    """What a target is the mean of over all samples; itself where it is something else."""
    operation = None if target.node is None else target.node.operation
    attributes = getattr(operation, "attributes", {})
    if target.node is not None and getattr(getattr(operation, "function", None), "name", None) == "mean":
        (x,) = target.node.inputs
        if attributes.get("axis") is None and x.is_batched:
            return x
    return target


def _sum(parts: list[F32]) -> F32 | None:
    """The sum of gradients by several forms of a source; None for none."""
    if not parts:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


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


def _reference(holder: Any) -> Callable[[], Any]:
    """A weak reference where there can be one."""
    try:
        return weakref.ref(holder)
    except TypeError:
        return lambda: holder


# --- finding programs ---------------------------------------------------------------------------------------
def _program(
    recording: Recording,
    outputs: Sequence[KerasTensor],
    target: KerasTensor | None = None,
    sources: Sources | None = None,
) -> TapedProgram:
    """The program of a structure. It is kept by the first layer or variable in it, and goes with that."""
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
    if program is None or not program.is_of(recording):
        program = programs[key] = _compiled(recording, outputs, target, sources).release()
        if len(programs) > _MOST_PROGRAMS:
            programs.popitem(last=False)
    programs.move_to_end(key)
    return program


def _compiled(
    recording: Recording,
    outputs: Sequence[KerasTensor],
    target: KerasTensor | None,
    sources: Sources | None,
) -> TapedProgram:
    if target is None or sources is None:
        program = TapedProgram(recording, outputs)
        return program.finish(program.outputs)
    is_number = not target.is_batched and math.prod(target.sample_shape) == 1
    kind = StepProgram if is_number and sources.are_variables else GradientProgram
    return kind(recording, outputs, target, sources)


def evaluate(tensors: Iterable[Tensor]) -> None:
    """Computes Tensors: those of each batch in one run."""
    groups: dict[int | None, list[Tensor]] = {}
    for tensor in tensors:
        groups.setdefault(tensor.samples if tensor.samples is not None else _samples_of(tensor), []).append(
            tensor
        )
    for group in groups.values():
        symbols = [tensor.symbol for tensor in group if tensor.symbol is not None]
        recording = Recording(symbols)
        if recording.assigns:  # what the same calls assign comes with the rest
            values = [tensor for tensor in new_values.values() if not tensor.is_known]
            group += [tensor for tensor in values if recording.number(tensor.symbol) is not None]
        outputs = list(dict.fromkeys(tensor.symbol for tensor in group if tensor.symbol is not None))
        program = _program(recording, outputs)
        with as_recorded(group):
            arrays, _ = program.run(recording)
        by_symbol = dict(zip(outputs, arrays, strict=True))
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
    """The gradient of a target's sum by each source, and what it was computed from.

    The target gets its value, and so do those of the `live` Tensors that are computed on the way.
    """
    assert target.symbol is not None
    recording = Recording([target.symbol])
    wanted = [target, *(t for t in live if t is not target and t.symbol is not None)]
    wanted = [t for t in wanted if not t.is_known and recording.number(t.symbol) is not None]  # type: ignore[arg-type]
    outputs = list(dict.fromkeys(t.symbol for t in wanted if t.symbol is not None))
    sources = Sources(recording, given)
    program = _program(recording, outputs, target.symbol, sources)
    with as_recorded([target]):
        values, found = program.run(recording)
    by_symbol = dict(zip(outputs, values, strict=True))
    for tensor in wanted:
        assert tensor.symbol is not None
        tensor.set_value(_typed(by_symbol[tensor.symbol], tensor.symbol.dtype))
    return found, recording
