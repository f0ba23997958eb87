"""Symbols for the values that go from operation to operation, and the way from one to another."""

from __future__ import annotations

import importlib
import itertools
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol, TypeAlias, TypeVar

import numpy as np

from pycnn.core import tree
from pycnn.core.names import auto_name
from pycnn.core.variable import Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.blueprint import Blueprint

    Shape: TypeAlias = tuple[int | None, ...]

_Op = TypeVar("_Op", bound="Operation")

_moments = itertools.count()


class Operation(Protocol):
    """What can be called on symbols: layers, models, and functions of `keras.ops`."""

    @property
    def name(self) -> str:
        """Of the operation, for messages."""

    def connect(self, graph: Blueprint, call: Node, nodes: Sequence[int]) -> Sequence[int]:
        """Adds a call to a graph, after `nodes`, one for each input; returns the nodes of its outputs."""


class KerasTensor:
    """Stands for the arrays that go into or come out of an operation: shape, dtype and name, no values.

    Args:
        shape: with the batch axis first, which is None; without a None it is one value for all samples.
        dtype: of the data.
        name: None for an automatic one.
    """

    # Of `==` between two symbols: whether they are the same one, which Python's `in` asks for.
    truth: bool | None = None

    # What Python's operators do, by the names of `keras.ops`; `core.operations.operators` fills it in.
    operators: ClassVar[dict[str, Callable[..., Any]]] = {}

    def __init__(self, shape: Sequence[int | None], dtype: str = "float32", name: str | None = None) -> None:
        self.shape: Shape = tuple(shape)
        self.dtype = dtype
        self.name = name or auto_name("KerasTensor")
        self.node: Node | None = None
        self.index = 0  # among the outputs of its node
        self.variable: Variable | None = None
        self.moment = 0  # of a variable's: when it was read, among the calls and readings of the process
        self.constant: NDArray[np.float32] | None = None
        self.seed: int | None = None  # of uniform numbers that every run draws

    @property
    def ndim(self) -> int:
        """Number of axes, the batch axis included."""
        return len(self.shape)

    @property
    def is_batched(self) -> bool:
        """Whether every sample has a value of its own."""
        return bool(self.shape) and self.shape[0] is None

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape without the batch axis."""
        return self.shape[1:] if self.is_batched else self.shape  # type: ignore[return-value]

    @property
    def is_leaf(self) -> bool:
        """Whether it is a variable, a constant or drawn at random, which nothing computes."""
        return self.variable is not None or self.constant is not None or self.seed is not None

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def _no_values(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            f"{self!r} stands for arrays and has no values: layers, functions of keras.ops and arithmetic "
            f"take it; NumPy, `if`, `float` and other functions of arrays do not"
        )

    def __bool__(self) -> bool:
        return self._no_values() if self.truth is None else self.truth

    __array__ = __iter__ = __len__ = __float__ = __int__ = __index__ = _no_values
    __array_priority__ = 100  # so that an array leaves arithmetic with a symbol to the symbol

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Arithmetic of an array with a symbol is the symbol's."""
        function = KerasTensor.operators.get(ufunc.__name__) if method == "__call__" and not kwargs else None
        return self._no_values() if function is None else function(*inputs)


def add_operators(cls: type) -> None:
    """Gives a class Python's operators, which do what `KerasTensor.operators` says."""
    for method, name in (
        ("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("truediv", "divide"), ("pow", "power"),
        ("matmul", "matmul"), ("floordiv", "floor_divide"), ("mod", "mod"), ("and", "logical_and"),
        ("or", "logical_or"),
    ):  # fmt: skip
        setattr(cls, f"__{method}__", _operator(name))
        setattr(cls, f"__r{method}__", _operator(name, swapped=True))
    for method, name in (
        ("neg", "negative"), ("abs", "absolute"), ("getitem", "get_item"), ("lt", "less"),
        ("le", "less_equal"), ("gt", "greater"), ("ge", "greater_equal"), ("invert", "logical_not"),
    ):  # fmt: skip
        if f"__{method}__" not in cls.__dict__:
            setattr(cls, f"__{method}__", _operator(name))
    setattr(cls, "__eq__", _comparison("equal"))  # noqa: B010  (mypy takes no assignment to a method)
    setattr(cls, "__ne__", _comparison("not_equal"))  # noqa: B010
    setattr(cls, "__hash__", object.__hash__)  # noqa: B010


def operator_named(name: str) -> Callable[..., Any] | None:
    """The function that an operator is, by its name in `keras.ops`; None where there is none."""
    if not KerasTensor.operators:  # not loaded by `import pycnn`
        importlib.import_module("pycnn.core.operations.operators")
    return KerasTensor.operators.get(name)


def _operator(name: str, swapped: bool = False) -> Callable[..., Any]:
    def apply(self: Any, *others: Any) -> Any:
        function = operator_named(name)
        assert function is not None
        return function(*others, self) if swapped else function(self, *others)

    return apply


def _may_broadcast(first: Sequence[int | None], second: Sequence[int | None]) -> bool:
    """Whether arrays of these shapes may broadcast, where None may be any number."""
    return all(
        a == b or 1 in (a, b) or a is None or b is None
        for a, b in zip(first[::-1], second[::-1], strict=False)
    )


def _comparison(name: str) -> Callable[..., Any]:
    """`==` or `!=` of the values, with numbers, arrays and symbols of shapes that fit; all else is not equal.

    Two weights are compared as objects, as lists of weights are.
    """

    def apply(self: Any, other: Any) -> Any:
        weights = isinstance(self, Variable) and isinstance(other, Variable)
        if weights or not (hasattr(other, "__array__") or isinstance(other, (bool, int, float, list, tuple))):
            return NotImplemented
        if isinstance(other, KerasTensor) and not _may_broadcast(self.shape, other.shape):
            return NotImplemented
        function = operator_named(name)
        assert function is not None
        found = function(self, other)
        if isinstance(found, KerasTensor) and isinstance(other, KerasTensor):
            found.truth = (self is other) == (name == "equal")
        return found

    return apply


add_operators(KerasTensor)
add_operators(Variable)


class Call:
    """One call on symbols without the operation, which may keep it so without keeping itself alive.

    A symbol keeps the node that made it, a node its operation and inputs. So what an operation or a node
    keeps of what came out are weak references; a symbol that nobody has any longer is made again.

    Args:
        inputs: symbols, none for an Input.
        arguments: (args, kwargs) of the call, with symbols in them; None for the inputs alone.
        training: what the call was given; None for nothing.
    """

    __slots__ = ("_node", "_outputs", "arguments", "described", "inputs", "training")

    def __init__(
        self, inputs: Sequence[KerasTensor], arguments: tuple[Any, Any] | None, training: bool | None
    ) -> None:
        self.inputs = tuple(inputs)
        self.arguments = arguments
        self.training = training
        self.described: list[tuple[Shape, str, str]] = []  # shapes, dtypes and names of the outputs
        self._outputs: list[weakref.ref[KerasTensor]] = []
        self._node: weakref.ref[Node] | None = None

    def node_of(self, operation: Any) -> Node:
        """The node of this call of an operation."""
        node = None if self._node is None else self._node()
        return Node.of_call(operation, self) if node is None else node

    def belongs_to(self, node: Node) -> None:
        """Sets the node that stands for the call."""
        self._node = weakref.ref(node)

    def finish(self, node: Node, outputs: Sequence[KerasTensor]) -> None:
        """Sets the outputs."""
        self.described = [(output.shape, output.dtype, output.name) for output in outputs]
        self._outputs = [weakref.ref(output) for output in outputs]
        for index, output in enumerate(outputs):
            output.node, output.index = node, index

    def output(self, node: Node, index: int) -> KerasTensor:
        """The output of a number."""
        symbol = self._outputs[index]()
        if symbol is None:
            symbol = KerasTensor(*self.described[index])
            symbol.node, symbol.index = node, index
            self._outputs[index] = weakref.ref(symbol)
        return symbol


class Node:
    """One call of an operation: the symbols that went in, and those that came out.

    Args:
        operation: that was called.
        inputs: symbols, none for an Input.
        outputs: get this node as their origin.
        arguments: (args, kwargs) of the call, with symbols in them; None for the inputs alone.
        training: what the call was given; None for nothing.
    """

    __slots__ = ("__weakref__", "call", "moment", "operation")

    def __init__(
        self,
        operation: Operation,
        inputs: Sequence[KerasTensor],
        outputs: Sequence[KerasTensor],
        arguments: tuple[Any, Any] | None = None,
        training: bool | None = None,
    ) -> None:
        self.operation = operation
        self.moment = next(_moments)
        self.call = Call(inputs, arguments, training)
        self.call.belongs_to(self)
        self.finish(outputs)

    @classmethod
    def of_call(cls, operation: Operation, call: Call) -> Node:
        """The node of a call whose own is gone."""
        node = cls.__new__(cls)
        node.operation, node.call, node.moment = operation, call, next(_moments)
        call.belongs_to(node)
        return node

    def finish(self, outputs: Sequence[KerasTensor]) -> None:
        """Sets the outputs of a call that was made to find out what they are."""
        self.call.finish(self, outputs)

    @property
    def inputs(self) -> tuple[KerasTensor, ...]:
        """The symbols that went in."""
        return self.call.inputs

    @property
    def arguments(self) -> tuple[Any, Any] | None:
        """args and kwargs, with symbols in them."""
        return self.call.arguments

    @property
    def training(self) -> bool | None:
        """What the call was given."""
        return self.call.training

    @property
    def outputs(self) -> tuple[KerasTensor, ...]:
        """The symbols that came out."""
        return tuple(self.call.output(self, index) for index in range(len(self.call.described)))

    @property
    def output(self) -> KerasTensor:
        """The first output."""
        return self.call.output(self, 0)


def is_symbolic(x: Any) -> bool:
    """Whether x is a symbol or a structure with a symbol in it."""
    return isinstance(x, KerasTensor) or (
        isinstance(x, (list, tuple, dict)) and any(isinstance(item, KerasTensor) for item in tree.flatten(x))
    )


def as_symbol(x: Any) -> KerasTensor:
    """A symbol as it is; one for a variable; a constant for numbers."""
    if isinstance(x, KerasTensor):
        return x
    if isinstance(x, Variable):
        symbol = KerasTensor(x.shape, name=x.name)
        symbol.variable, symbol.moment = x, next(_moments)
        return symbol
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{x!r:.200} is neither a symbol nor numbers")
    symbol = KerasTensor(array.shape, name="constant")
    symbol.constant = np.ascontiguousarray(array, np.float32)
    return symbol


def trace(sources: Iterable[KerasTensor], targets: Sequence[KerasTensor]) -> list[Node]:
    """The calls that make the targets from the sources, each after those it needs, a branch at a time.

    Raises:
        ValueError: if something else than the sources is needed.
    """
    known = set(sources)
    calls: dict[Node, None] = {}
    stack = [(target, False) for target in reversed(targets)]
    while stack:
        tensor, ready = stack.pop()
        node = tensor.node
        if ready and node is not None:
            calls[node] = None
        elif tensor not in known and not tensor.is_leaf and node not in calls:
            if node is None or not node.inputs:
                if hasattr(tensor, "whole"):
                    raise ValueError(
                        f"{tensor!r} is no output of a model and no input of a layer: it has rows of all "
                        f"samples; reshape it to samples, as keras.ops.reshape(rows, (-1, ...)) does"
                    )
                raise ValueError(
                    f"Graph disconnected: {targets[0]!r} cannot be computed from {list(known)}, as it also "
                    f"needs {tensor!r}"
                )
            stack.append((tensor, True))
            stack.extend((origin, False) for origin in reversed(node.inputs))
    return list(calls)


def calls_by_depth(calls: Sequence[Node]) -> list[Node]:
    """Calls that `trace` found, in the order in which Keras runs them: the longest way to an output first."""
    depths: dict[Node, int] = {}  # in the order in which calls are met, which counts among those of one depth
    of_operation: dict[Any, int] = {}
    known = set(calls)
    for call in reversed(calls):
        depth = max(depths.get(call, 0), of_operation.get(call.operation, 0))
        depths[call] = of_operation[call.operation] = depth
        for tensor in call.inputs:
            if (node := tensor.node) is not None and node in known:
                depths[node] = max(depths.get(node, 0), depth + 1)
    return sorted(depths, key=lambda call: -depths[call])


def operations_by_depth(
    firsts: dict[KerasTensor, Operation], calls: Sequence[Node], targets: Sequence[KerasTensor]
) -> list[Any]:
    """The operations of calls that `trace` found, those of the inputs included, in Keras' order.

    That is the longest way to an output, then the order in which a search from the outputs, depth first and
    along the inputs, finds them.
    """
    depths = dict.fromkeys(calls, 0)
    of_operation: dict[Any, int] = {}
    first_depths = dict.fromkeys(firsts.values(), 0)
    for call in reversed(calls):
        depth = depths[call] = max(depths[call], of_operation.get(call.operation, 0))
        of_operation[call.operation] = depth
        for tensor in call.inputs:
            if tensor in firsts:
                first = firsts[tensor]
                first_depths[first] = max(first_depths[first], depth + 1)
            elif tensor.node in depths:
                depths[tensor.node] = max(depths[tensor.node], depth + 1)
    found: dict[Any, int] = {}
    seen: set[Node] = set()
    stack = list(reversed(targets))
    while stack:
        tensor = stack.pop()
        node = tensor.node
        if tensor in firsts:
            found.setdefault(firsts[tensor], len(found))
        elif node in depths and node not in seen:
            seen.add(node)
            found.setdefault(node.operation, len(found))
            stack.extend(reversed(node.inputs))
    of_operation |= first_depths
    return sorted(of_operation, key=lambda operation: (-of_operation[operation], found.get(operation, 0)))
