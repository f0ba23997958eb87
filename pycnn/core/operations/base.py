"""What a function of `keras.ops` is: calls in a graph for symbols, NumPy for arrays."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from pycnn.core import recording, tree
from pycnn.core.arrays import as_float32
from pycnn.core.blueprint import Blueprint
from pycnn.core.function import is_tracing
from pycnn.core.names import auto_name
from pycnn.core.operations.batching import MixesSamplesError
from pycnn.core.operations.value import Value as Value
from pycnn.core.results import answering
from pycnn.core.rows import RowCount, Rows
from pycnn.core.symbolic import KerasTensor, Node, as_symbol
from pycnn.core.variable import Variable

if TYPE_CHECKING:
    Shape = tuple[int | None, ...]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Operation:
    """One call of a function on symbols. `plain.config_of(function.name, attributes)` describes it.

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

    def __repr__(self) -> str:
        return f"<Operation name={self.name}, function={self.function.name}>"


@dataclasses.dataclass(eq=False)
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
        like: number of the operand whose shape the result has, where only the graph that it becomes part of
            can tell whether the operands fit; None for what `lower` makes.
    """

    body: Callable[..., Any]
    operands: int
    lower: Callable[..., Any]
    arrays: Callable[..., Any] | None
    dtype: str | Callable[..., str]
    numbers: bool
    several: bool
    like: int | None

    def __reduce__(self) -> Any:
        """By its name, for copies."""
        return _function_in, (self.body.__module__, self.name)

    @property
    def name(self) -> str:
        """The name in `keras.ops`."""
        return self.body.__name__.lstrip("_")

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.body)

    @functools.cached_property
    def _defaults(self) -> dict[str, Any]:
        return {name: parameter.default for name, parameter in self._signature.parameters.items()}

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name: as `inspect` binds them, in a tenth of the time."""
        given = dict(self._defaults)
        names = list(given)
        if len(args) <= len(names) and kwargs.keys() <= set(names[len(args) :]):
            given.update(zip(names, args, strict=False))
            given.update(kwargs)
            if not any(value is inspect.Parameter.empty for value in given.values()):
                return given
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        raise AssertionError("the signature takes what it did not")

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result for operands and attributes as they were given."""
        given = (*args, *kwargs.values())
        if self.arrays is None and not any(map(_is_symbolic, given)) and not recording.takes(given):
            return self.body(*args, **kwargs)
        attributes = self._bound(args, kwargs)
        names = list(attributes)[: self.operands]
        operands = [attributes.pop(name) for name in names]
        if self.several:
            operands[0] = self._listed(names[0], operands[0])
        leaves = [*operands[0], *operands[1:]] if self.several else operands
        for name, x in zip(names, operands, strict=True):
            if x is None and self._defaults[name] is not None:
                raise TypeError(f"{self.name}: {name} is None; expected a symbol, an array or numbers")
        for leaf in leaves:
            if isinstance(leaf, Value):
                return self.lower(*self._values(operands, leaf), **attributes)
        if any(map(_is_symbolic, leaves)):
            return self._on_symbols_or_rows(leaves, operands, attributes)
        if recording.takes(leaves):
            return recording.call_function(self, operands, attributes)
        if self.arrays is None:
            return self.on_symbols(operands, attributes)
        return self._on_arrays(self.arrays, names, operands, attributes)

    def on_arrays(self, operands: list[Any], attributes: dict[str, Any]) -> Any:
        """The result for arrays."""
        if self.arrays is None:
            return self.body(*operands, **attributes)
        return self._on_arrays(self.arrays, list(self._signature.parameters), operands, attributes)

    def _on_symbols_or_rows(self, leaves: Sequence[Any], operands: list[Any], attributes: Any) -> Any:
        """The result for symbols of which some may be rows of all samples, or become them."""
        from pycnn.core.operations import rows

        if any(isinstance(leaf, RowCount) for leaf in leaves):
            return self._call_on_counts(operands, attributes)
        if any(isinstance(leaf, Rows) for leaf in leaves):
            return rows.call(self, operands, attributes)
        try:
            return self.on_symbols(operands, attributes)
        except MixesSamplesError:
            if self.name not in rows.MOVING:
                raise
            try:
                return rows.call(self, operands, attributes)
            except ValueError:
                pass
            raise

    def _call_on_counts(self, operands: list[Any], attributes: dict[str, Any]) -> Any:
        numbers = self.each(lambda x: x.number if isinstance(x, RowCount) else x, operands)
        return self._on_symbols_or_rows(tree.flatten(numbers), numbers, attributes)

    def on_symbols(self, operands: list[Any], attributes: dict[str, Any]) -> Any:
        """The result for operands of which at least one is a symbol."""
        return self._on_symbols(self.each(self._symbol, operands), attributes)

    def each(self, function: Callable[[Any], Any], operands: list[Any]) -> list[Any]:
        """function(operand) for each, or for each in the list that the first one is."""
        several = [[function(item) for item in operands[0]]] if self.several else []
        return several + [function(x) for x in operands[len(several) :]]

    def _values(self, operands: list[Any], first: Value) -> list[Any]:
        def value(x: Any) -> Any:
            if isinstance(x, Value) or x is None:
                return x
            return float(x) if self.numbers and np.ndim(x) == 0 else first.constant(x)

        return self.each(value, operands)

    def _listed(self, name: str, x: Any) -> list[Any]:
        if not isinstance(x, (list, tuple, np.ndarray)) or len(x) == 0 or any(item is None for item in x):
            raise TypeError(f"{self.name}: {name} is {x!r:.200}; expected a list of arrays or symbols")
        return list(x)

    # On symbols
    def _symbol(self, x: Any) -> Any:
        if x is None or isinstance(x, KerasTensor):
            return x
        if self.numbers and not isinstance(x, Variable) and np.ndim(x) == 0:
            return float(as_float32(self.name, x))
        try:
            return as_symbol(x)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{self.name}: {error}") from None

    def _on_symbols(self, operands: list[Any], attributes: dict[str, Any]) -> Any:
        symbols = [x for x in tree.flatten(operands) if isinstance(x, KerasTensor)]
        operation = Operation(self, attributes)
        call = Node(operation, list(dict.fromkeys(symbols)), (), (tuple(operands), {}))
        dtypes = {symbol.dtype for symbol in symbols[: None if self.several else 1]}
        dtype = self._dtype_of(dtypes.pop() if len(dtypes) == 1 else "float32", attributes)
        outputs = [KerasTensor(shape, dtype) for shape in self._shapes(call, operands)]
        call.finish(outputs)
        return outputs[0] if len(outputs) == 1 and not self._returns_list else outputs

    def _shapes(self, call: Node, operands: list[Any]) -> list[Shape]:
        """The shapes of the results, as a graph of this call alone has them."""
        if self.like is not None:
            return [operands[self.like].shape]
        graph = Blueprint()
        try:
            nodes = call.operation.connect(graph, call, [graph.stand_in(symbol) for symbol in call.inputs])
        except ValueError as error:
            shapes = ", ".join(str(symbol.shape) for symbol in call.inputs)
            kind = MixesSamplesError if isinstance(error, MixesSamplesError) else ValueError
            raise kind(f"{error} (operands of shape {shapes})") from None
        return [Value(graph, node, self.name).shape for node in nodes]

    # On arrays
    def _on_arrays(
        self, function: Callable[..., Any], names: list[str], operands: list[Any], attributes: dict[str, Any]
    ) -> Any:
        named = iter([names[0]] * len(operands[0]) + names[1:] if self.several else names)
        arrays = self.each(lambda x: _array(f"{self.name}: {next(named)}", x, self.dtype == "same"), operands)
        with np.errstate(all="ignore"):
            result = function(*arrays, **attributes)
        dtype = self._dtype_of("same", attributes)
        return tree.transformed(lambda x: _own(x, dtype, arrays), result)

    def _dtype_of(self, same: str, attributes: dict[str, Any]) -> str:
        if callable(self.dtype):
            return self.dtype(**attributes)
        return same if self.dtype == "same" else self.dtype

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
    like: int | None = None,
) -> Callable[[_Function], _Function]:
    """Makes a function that computes with `Value`s, with arrays, or with both take symbols and arrays.

    Args:
        operands: how many of its first arguments are arrays, or lists of arrays.
        lower: what computes it with `Value`s, where the function itself takes any arrays; None for the
            function.
        arrays: what computes it with float32 arrays; None for the function itself.
        dtype: of the result: a name, 'same' as the first operand's, or a function of the attributes.
        numbers: whether `Value`s may be met by Python numbers.
        several: whether the first operand is a list of arrays.
        like: number of the operand whose shape the result has; None for what it computes with `Value`s.
    """

    def decorate(body: _Function) -> _Function:
        on_arrays = (arrays or body) if lower is None else None
        function = Function(body, operands, lower or body, on_arrays, dtype, numbers, several, like)

        @functools.wraps(body)
        def call(*args: Any, **kwargs: Any) -> Any:
            return answering(function(args, kwargs))

        call.function = function  # type: ignore[attr-defined]
        FUNCTIONS[function.name] = call
        return cast("_Function", call)

    return decorate


# All functions by name.
FUNCTIONS: dict[str, Callable[..., Any]] = {}


def _function_in(module: str, name: str) -> Any:
    """The function of a module that has a name."""
    importlib.import_module(module)
    return FUNCTIONS[name].function  # type: ignore[attr-defined]


def _is_symbolic(x: Any) -> bool:
    return isinstance(x, (KerasTensor, Value, RowCount)) or (isinstance(x, Variable) and is_tracing())


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
    if array.dtype != dtype:
        array = array.astype(dtype)
    if array.ndim == 0:
        return array[()]
    shared = array.base is not None or any(array is item for item in tree.flatten(arrays))
    return np.array(array, order="C") if shared or not array.flags.c_contiguous else array
