"""Arrays that a GradientTape records: symbols with the arrays that they are computed from."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from pycnn.core.symbolic import KerasTensor, add_operators
from pycnn.core.variable import Variable, new_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]

_TAKEN_AS_THEY_ARE = ("float32", "float64", "uint8")


class Recorder(Protocol):
    """A tape that records."""

    assigned: dict[Variable, F32]  # variables that recorded calls assign to, with their values before

    def find(self, array: Any) -> Tensor | None:
        """The Tensor of an array that the tape watches."""

    def accessed(self, variables: Any) -> None:
        """Notes variables that what is recorded reads."""

    def called_on(self, variable: Any, samples: Tensor) -> None:
        """Notes that a layer takes a variable's values as samples."""


recorders: ContextVar[tuple[Recorder, ...]] = ContextVar("recorders", default=())


class Placeholder(KerasTensor):
    """The symbol of an array that is there: an input of what is recorded.

    Args:
        array: its values.
        batched: whether its first axis is that of the samples.
        passed: the tapes whose gradients went into it.
    """

    def __init__(self, array: NDArray[Any], batched: bool, passed: frozenset[Recorder] = frozenset()) -> None:
        keeps = batched and array.dtype.name in _TAKEN_AS_THEY_ARE
        self.array = np.require(array, None if keeps else np.float32, ["C", "A"])
        self.passed = passed
        super().__init__((None, *array.shape[1:]) if batched else array.shape, str(array.dtype), name="array")


class Tensor:
    """What layers, losses and functions return inside a GradientTape, and the gradients.

    It is an array with a past, which is computed when its values are asked for, or together with a gradient.
    It answers as a NumPy array does to `shape`, arithmetic, `float` and NumPy's functions, and to `numpy()`.

    Example:
        >>> import pycnn as keras
        >>> x = keras.constant([1.0, 2.0])
        >>> with keras.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> y.shape, y.numpy().tolist(), tape.gradient(y, x).numpy().tolist()
        ((2,), [1.0, 4.0], [2.0, 4.0])
    """

    __slots__ = ("__weakref__", "_array", "_forms", "batch", "passed", "samples", "symbol", "tapes", "whole")
    __array_priority__ = 200

    def __init__(
        self,
        array: Any = None,
        symbol: KerasTensor | None = None,
        samples: int | None = None,
        passed: frozenset[Recorder] = frozenset(),
        batch: int | None = None,
    ) -> None:
        self._array: NDArray[Any] | None = None if array is None else np.asarray(array)
        self.symbol = symbol
        self.samples = samples
        self.batch = samples if batch is None else batch  # the size of the batch that it is computed from
        self.passed = passed
        self._forms: dict[bool, Placeholder] = {}
        self.whole: Tensor | None = None  # the same without an axis of the samples, once that was needed
        self.tapes: frozenset[Recorder] = frozenset() if symbol is None else frozenset(recorders.get())
        if symbol is not None:
            _unknown[id(self)] = weakref.ref(self)

    @property
    def is_recorded(self) -> bool:
        """Whether a tape that records now has seen where it comes from."""
        return not self.tapes.isdisjoint(recorders.get())

    @property
    def is_known(self) -> bool:
        """Whether its values are there."""
        return self._array is not None

    def set_value(self, array: Any) -> None:
        """What it was computed to be."""
        self._array = np.asarray(array)
        _unknown.pop(id(self), None)

    def __del__(self) -> None:
        if _unknown is not None:  # as it is at the interpreter's end
            _unknown.pop(id(self), None)

    def form(self, batched: bool) -> Placeholder:
        """The symbol of its values, with or without an axis of the samples."""
        if batched not in self._forms:
            self._forms[batched] = Placeholder(self.value, batched, self.passed)
        return self._forms[batched]

    def forms(self) -> list[KerasTensor]:
        """The symbols that stand for it in what has been recorded."""
        return [*self._forms.values(), *([] if self.symbol is None else [self.symbol])]

    @property
    def value(self) -> NDArray[Any]:
        """The values: computed now if they were not yet."""
        if self._array is None:
            from pycnn.core.taped import evaluate

            evaluate([self])
        assert self._array is not None
        return self._array

    def numpy(self) -> Any:
        """The values, as an array or, without axes, as a number of NumPy's."""
        array = self.value
        return array[()] if array.ndim == 0 else np.array(array)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its size along each axis."""
        if self._array is not None or self.symbol is None:
            return self.value.shape
        sample = self.symbol.sample_shape
        return sample if self.samples is None else (self.samples, *sample)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> str:
        """Name of the type of the values."""
        return str(self.value.dtype if self.symbol is None else self.symbol.dtype)

    def item(self) -> float:
        """The one value there is, as a Python number."""
        return self.value.item()  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        """The values as nested lists."""
        return self.value.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.value if dtype is None else self.value.astype(dtype)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return self.value.__index__()

    def __bool__(self) -> bool:
        return bool(self.value)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a Tensor without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self.value[()] if not self.shape else self.value, spec)

    def __getitem__(self, key: Any) -> Any:
        from pycnn.core.recording import picked

        return picked(self, key)

    def __repr__(self) -> str:
        return f"<Tensor shape={self.shape}, dtype={self.dtype}, value={self.value}>"


add_operators(Tensor)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """Numbers as a Tensor, whose arithmetic a GradientTape records.

    Args:
        value: numbers, as an array or nested lists.
        dtype: None for float32, or for the own one of integers.
        shape: to which they are brought; None for their own.
        name: has no effect.

    Returns:
        A Tensor.

    Raises:
        TypeError: if these are no real numbers.

    Example:
        >>> import pycnn as tf
        >>> x = tf.constant(3.0)
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> float(tape.gradient(y, x))
        6.0
    """
    array = np.array(value, None if dtype is None else np.dtype(dtype))
    if array.dtype.kind not in "biuf":
        raise TypeError(f"constant: {value!r:.200} is no array of real numbers")
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
    return Tensor(
        array if shape is None else np.broadcast_to(array, shape) if array.size == 1 else array.reshape(shape)
    )


# What has been recorded and not computed, by identity: `==` compares values.
_unknown: dict[int, weakref.ref[Tensor]] = {}


def unknown() -> list[Tensor]:
    """The Tensors that somebody holds and nobody has computed yet."""
    held = [tensor for reference in list(_unknown.values()) if (tensor := reference()) is not None]
    return [tensor for tensor in held if not tensor.is_known]


def before_change() -> None:
    """Before variables change: computes what was recorded with the values that they still have.

    Then variables get the values that recorded calls have assigned to them.
    """
    if _unknown and (waiting := unknown()):
        from pycnn.core.taped import evaluate

        evaluate(waiting)
    while new_values:
        variable, tensor = new_values.popitem()
        variable.overwrite(tensor.value)


def before_reading() -> None:
    """Before variables are read outside of what is recorded: they get their new values."""
    if new_values:
        before_change()


def any_assigned() -> bool:
    """Whether recorded calls have assigned to variables."""
    return bool(new_values) or any(tape.assigned for tape in recorders.get())


def was_assigned(variable: Variable) -> bool:
    """Whether a recorded call has assigned to a variable: what is recorded now reads the value of that."""
    return variable in new_values or any(variable in tape.assigned for tape in recorders.get())


@contextmanager
def as_recorded(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Inside, variables have the values from before what recorded calls assigned to them.

    What is computed again reads these where it came before the assignments, and symbols of its own after.
    """
    before: dict[Variable, F32] = {}
    for tape in {tape for tensor in tensors for tape in tensor.tapes}:
        before |= {v: x for v, x in tape.assigned.items() if not np.array_equal(x, v.initialized().value)}
    now = {variable: variable.initialized().value.copy() for variable in before}
    try:
        for variable, value in before.items():
            variable.overwrite(value)
        yield
    finally:
        for variable, value in now.items():
            variable.overwrite(value)


def when_computed() -> None:
    """After a run: gives variables their new values, unless something waits that reads the old ones."""
    if new_values and not unknown():
        before_change()
