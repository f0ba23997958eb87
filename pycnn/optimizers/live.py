"""Numbers of an optimizer that are read where they are used, and its arrays, both as Keras' variables."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LiveNumber:
    """A number that its owner keeps: in arithmetic, comparisons and text it is what it is at that time.

    Args:
        name: of the number.
        read: gives it.
        write: checks and sets it.
        dtype: of `numpy()`.

    Example:
        >>> import pycnn as keras
        >>> optimizer = keras.optimizers.SGD(0.5)
        >>> rate = optimizer.learning_rate
        >>> rate.assign(0.25)
        0.25
        >>> float(rate), 2 * rate, optimizer.learning_rate.numpy().dtype.name
        (0.25, 0.5, 'float32')
    """

    shape: tuple[int, ...] = ()
    trainable = False
    __array_priority__ = 100  # so that NumPy's scalars leave arithmetic to it
    __hash__ = object.__hash__

    def __init__(
        self, name: str, read: Callable[[], Any], write: Callable[[Any], Any], dtype: str = "float32"
    ) -> None:
        self.name = self.path = name
        self.dtype = dtype
        self._read = read
        self._write = write

    @property
    def value(self) -> Any:
        """The number now."""
        return self._read()

    def numpy(self) -> Any:
        """The number now, as a NumPy scalar."""
        return np.dtype(self.dtype).type(self.value)

    def assign(self, value: Any) -> LiveNumber:
        """Sets it; raises as setting the owner's attribute does."""
        self._write(np.asarray(value).item() if np.ndim(value) == 0 else value)
        return self

    def assign_add(self, value: Any) -> LiveNumber:
        """Adds to it."""
        return self.assign(self.value + np.asarray(value).item())

    def assign_sub(self, value: Any) -> LiveNumber:
        """Subtracts from it."""
        return self.assign(self.value - np.asarray(value).item())

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.value, dtype or self.dtype)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __repr__(self) -> str:
        return repr(self.value)


class LiveInteger(LiveNumber):
    """The same for a count."""

    def __index__(self) -> int:
        return int(self.value)


def _plain(x: Any) -> Any:
    return x.value if isinstance(x, LiveNumber) else x


def _forward(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *others: function(self.value, *map(_plain, others))


def _reversed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: function(_plain(other), self.value)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(LiveNumber, f"__{_name}__", _forward(getattr(operator, _name)))
    setattr(LiveNumber, f"__r{_name}__", _reversed(getattr(operator, _name)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs"):
    setattr(LiveNumber, f"__{_name}__", _forward(getattr(operator, _name)))
_ROUNDINGS: dict[str, Callable[..., Any]] = {
    "round": round, "trunc": math.trunc, "floor": math.floor, "ceil": math.ceil,
}  # fmt: skip
for _name, _function in _ROUNDINGS.items():
    setattr(LiveNumber, f"__{_name}__", _forward(_function))
numbers.Real.register(LiveNumber)


class StateArray:
    """An array that an optimizer keeps for a variable: what `optimizer.variables` lists.

    Args:
        path: its name in Keras' form.
        array: a writable view of it.
    """

    dtype = "float32"
    trainable = False

    def __init__(self, path: str, array: NDArray[np.float32]) -> None:
        self.path = path
        self.name = path.rpartition("/")[2]
        self._array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the variable that it belongs to."""
        return self._array.shape

    @property
    def value(self) -> NDArray[np.float32]:
        """The values, as a read-only view; `assign` writes."""
        view: NDArray[np.float32] = self._array.view()
        view.flags.writeable = False
        return view

    def numpy(self) -> NDArray[np.float32]:
        """A copy of the values."""
        copy: NDArray[np.float32] = self._array.copy()
        return copy

    def assign(self, value: Any) -> StateArray:
        """Sets the values; ValueError if the shape is another one."""
        array = np.asarray(value, np.float32)
        if array.shape != self.shape:
            raise ValueError(f"{self.path}: the new value has shape {array.shape}, expected {self.shape}")
        self._array[...] = array
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __repr__(self) -> str:
        return f"<StateArray path={self.path}, shape={self.shape}, value={self._array}>"
