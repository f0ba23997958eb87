"""What a function of `keras.ops` is: calls in a graph for symbols, NumPy for arrays."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from pycnn.core import tree
from pycnn.core.arrays import as_float32
from pycnn.core.blueprint import Blueprint
from pycnn.core.function import is_tracing
from pycnn.core.names import auto_name
from pycnn.core.symbolic import KerasTensor, Node, as_symbol
from pycnn.core.variable import Variable

if TYPE_CHECKING:
    Shape = tuple[int | None, ...]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Value:
    """A node of a graph that grows: what functions of `keras.ops` compute with when they are lowered.

    Args:
        graph: that it is a node of.
        node: its number.
        name: of the operation that is being lowered, for messages and the nodes to come.
    """

    __slots__ = ("graph", "name", "node")

    def __init__(self, graph: Blueprint, node: int, name: str) -> None:
        self.graph = graph
        self.node = node
        self.name = name

    @property
    def is_batched(self) -> bool:
        """Whether every sample has a value of its own."""
        return self.graph.is_batched(self.node)

    @property
    def sample(self) -> tuple[int, ...]:
        """The shape without the batch axis."""
        return self.graph.shape(self.node)

    @property
    def shape(self) -> Shape:
        """The shape with the batch axis, None, where there is one."""
        return (None, *self.sample) if self.is_batched else self.sample

    @property
    def ndim(self) -> int:
        """Number of axes, the batch axis included."""
        return len(self.sample) + self.is_batched

    def then(self, node: int) -> Value:
        """Another node of the same operation."""
        return Value(self.graph, node, self.name)

    def constant(self, array: Any) -> Value:
        """Numbers as a node of the same operation."""
        return self.then(self.graph.values_of(np.ascontiguousarray(array, np.float32)))


class Operation:
    """One call of a function on symbols.

    Args:
        function: that was called.
        attributes: its arguments but for the operands, which are the inputs of the call.
    """

    def __init__(self, function: Function, attributes: dict[str, Any]) -> None:
        self.function = function
        self.attributes = attributes
        # Calls that are traced again and again take no numbers from the layers of the model.
        self.name = function.name if is_tracing() else auto_name(function.name)

    def connect(self, graph: Blueprint, call: Node, nodes: Sequence[int]) -> list[int]:
        """Adds the call to a graph, after `nodes`, one for each input; returns the nodes of its outputs."""
        found = dict(zip(call.inputs, nodes, strict=True))
        assert call.arguments is not None
        operands = tree.transformed(
            lambda x: Value(graph, found[x], self.name) if isinstance(x, KerasTensor) else x,
            call.arguments[0],
        )
        result = self.function.lower(*operands, **self.attributes)
        return [value.node for value in tree.flatten(result)]

    def get_config(self) -> dict[str, Any]:
        """Name, function and attributes as plain data; the operands are the arguments of the call."""
        return {"name": self.name, "function": self.function.name, "attributes": _plain(self.attributes)}

    def __repr__(self) -> str:
        return f"<Operation name={self.name}, function={self.function.name}>"


class Function:
    """How a function is computed.

    Args:
        body: the function as it is written.
        operands: how many of its first arguments are arrays.
        lower: computes it with `Value`s.
        arrays: computes it with NumPy arrays; None for `body`, which checks its arguments itself.
        dtype: of the result: a name, 'same' as the first operand's, or a function of the attributes.
        numbers: whether `lower` takes a Python number for an operand.
        several: whether the first operand is a list of arrays.
    """

    def __init__(
        self,
        body: Callable[..., Any],
        operands: int,
        lower: Callable[..., Any],
        arrays: Callable[..., Any] | None,
        dtype: str | Callable[..., str],
        numbers: bool,
        several: bool,
    ) -> None:
        self.name = body.__name__
        self.lower = lower
        self._body = body
        self._operands = operands
        self._arrays = arrays
        self._dtype = dtype
        self._numbers = numbers
        self._several = several

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self._body)

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result for operands and attributes as they were given."""
        given = self._signature.bind(*args, **kwargs)
        given.apply_defaults()
        names = list(given.arguments)
        operands = [given.arguments[name] for name in names[: self._operands]]
        if self._several:
            operands[0] = self._listed(names[0], operands[0])
        attributes = {name: given.arguments[name] for name in names[self._operands :]}
        leaves = tree.flatten(operands)
        for leaf in leaves:
            if isinstance(leaf, Value):
                return self.lower(*self._values(operands, leaf), **attributes)
        if any(isinstance(leaf, KerasTensor) for leaf in leaves) or (
            is_tracing() and any(isinstance(leaf, Variable) for leaf in leaves)
        ):
            return self._on_symbols(self._each(self._symbol, operands), attributes)
        if self._arrays is None:
            return self._body(*args, **kwargs)
        return self._on_arrays(self._arrays, names, operands, attributes)

    def _each(self, function: Callable[[Any], Any], operands: list[Any]) -> list[Any]:
        """function(operand) for each, or for each in the list that the first one is."""
        several = [[function(item) for item in operands[0]]] if self._several else []
        return several + [function(x) for x in operands[len(several) :]]

    def _values(self, operands: list[Any], first: Value) -> list[Any]:
        def value(x: Any) -> Any:
            if isinstance(x, Value) or x is None:
                return x
            return float(x) if self._numbers and np.ndim(x) == 0 else first.constant(x)

        return self._each(value, operands)

    def _listed(self, name: str, x: Any) -> list[Any]:
        if not isinstance(x, (list, tuple, np.ndarray)) or len(x) == 0:
            raise TypeError(f"{self.name}: {name} is {x!r:.200}; expected a list of arrays or symbols")
        return list(x)

    # On symbols
    def _symbol(self, x: Any) -> Any:
        if x is None or isinstance(x, KerasTensor):
            return x
        if self._numbers and not isinstance(x, Variable) and np.ndim(x) == 0:
            return float(as_float32(self.name, x))
        try:
            return as_symbol(x)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{self.name}: {error}") from None

    def _on_symbols(self, operands: list[Any], attributes: dict[str, Any]) -> Any:
        symbols = [x for x in tree.flatten(operands) if isinstance(x, KerasTensor)]
        operation = Operation(self, attributes)
        call = Node(operation, list(dict.fromkeys(symbols)), (), (tuple(operands), {}))
        graph = Blueprint()
        try:
            nodes = operation.connect(graph, call, [_stand_in(graph, symbol) for symbol in call.inputs])
        except ValueError as error:
            shapes = ", ".join(str(symbol.shape) for symbol in symbols)
            raise ValueError(f"{error} (operands of shape {shapes})") from None
        dtypes = {symbol.dtype for symbol in symbols[: None if self._several else 1]}
        dtype = self._dtype_of(dtypes.pop() if len(dtypes) == 1 else "float32", attributes)
        call.finish([KerasTensor(Value(graph, node, operation.name).shape, dtype) for node in nodes])
        return call.output if len(call.outputs) == 1 and not self._returns_list else list(call.outputs)

    # On arrays
    def _on_arrays(
        self, function: Callable[..., Any], names: list[str], operands: list[Any], attributes: dict[str, Any]
    ) -> Any:
        named = iter(
            names[: len(operands)] if not self._several else [names[0]] * len(operands[0]) + names[1:]
        )
        arrays = self._each(
            lambda x: _array(f"{self.name}: {next(named)}", x, self._dtype == "same"), operands
        )
        with np.errstate(all="ignore"):
            result = function(*arrays, **attributes)
        dtype = self._dtype_of("same", attributes)
        return tree.transformed(lambda x: _own(x, dtype, arrays), result)

    def _dtype_of(self, same: str, attributes: dict[str, Any]) -> str:
        if callable(self._dtype):
            return self._dtype(**attributes)
        return same if self._dtype == "same" else self._dtype

    @property
    def _returns_list(self) -> bool:
        return bool(self._signature.return_annotation == "list[Any]")


def operation(
    operands: int = 1,
    *,
    lower: Callable[..., Any] | None = None,
    arrays: Callable[..., Any] | None = None,
    dtype: str | Callable[..., str] = "float32",
    numbers: bool = False,
    several: bool = False,
) -> Callable[[_Function], _Function]:
    """Makes a function that computes with `Value`s, with arrays, or with both take symbols and arrays.

    Args:
        operands: how many of its first arguments are arrays, or lists of arrays.
        lower: what computes it with `Value`s, where the function itself takes any arrays; None for the function.
        arrays: what computes it with float32 arrays; None for the function itself.
        dtype: of the result: a name, 'same' as the first operand's, or a function of the attributes.
        numbers: whether `Value`s may be met by Python numbers.
        several: whether the first operand is a list of arrays.
    """

    def decorate(body: _Function) -> _Function:
        function = Function(
            body,
            operands,
            lower or body,
            (arrays or body) if lower is None else None,
            dtype,
            numbers,
            several,
        )

        @functools.wraps(body)
        def call(*args: Any, **kwargs: Any) -> Any:
            return function(args, kwargs)

        FUNCTIONS[function.name] = call
        return cast("_Function", call)

    return decorate


# All functions by name.
FUNCTIONS: dict[str, Callable[..., Any]] = {}


def _stand_in(graph: Blueprint, symbol: KerasTensor) -> int:
    """A node of a symbol's shape."""
    if symbol.is_leaf:
        return graph.leaf(symbol)
    if symbol.is_batched:
        return graph.input(symbol.sample_shape, name=symbol.name)
    return graph.values_of(np.zeros(symbol.sample_shape, np.float32))


def _array(name: str, x: Any, keeps: bool) -> Any:
    """An operand as a float32 array, or of its own type where it is one of integers or booleans."""
    if x is None:
        return None
    if keeps and (array := np.asarray(x)).dtype.kind in "biu":
        return array
    return as_float32(name, x)


def _own(x: Any, dtype: str, arrays: Any) -> Any:
    """A result as a C-contiguous array that shares no memory, or as a scalar."""
    array = np.asarray(x)
    if dtype == "same":
        dtype = "float32" if array.dtype.kind == "f" else array.dtype.name
    if array.dtype.name != dtype:
        array = array.astype(dtype)
    if array.ndim == 0:
        return array[()]
    shared = array.base is not None or any(array is item for item in tree.flatten(arrays))
    return np.array(array, order="C") if shared or not array.flags.c_contiguous else array


def _plain(x: Any) -> Any:
    """An attribute as data that JSON has."""
    if isinstance(x, dict):
        return {key: _plain(item) for key, item in x.items()}
    if isinstance(x, tuple):
        return {"class_name": "__tuple__", "items": [_plain(item) for item in x]}
    if isinstance(x, list):
        return [_plain(item) for item in x]
    if isinstance(x, slice):
        return {"class_name": "__slice__", "config": {"start": x.start, "stop": x.stop, "step": x.step}}
    if x is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(x, (np.ndarray, np.generic)):
        return x.tolist()
    return x
