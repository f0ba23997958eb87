"""A weight of a layer: a named array that any number of networks read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.core.arrays import as_float32

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]
    Initializer: TypeAlias = Callable[[tuple[int, ...]], F32]

_initializing = threading.RLock()  # two threads may be the first to read

# What calls inside a GradientTape have assigned to variables: Tensors, which wait to be computed.
new_values: dict[Variable, Any] = {}


class Variable:
    """A named float32 array of fixed shape.

    The first reader runs the initializer; a file that is loaded before never does. Networks read the values
    where they are, so that all that share a variable see the same.

    Example:
        >>> import pycnn as keras
        >>> layer = keras.layers.Dense(2, bias_initializer="ones")
        >>> layer.build((None, 3))
        >>> layer.bias.name, layer.bias.shape, layer.bias.numpy()
        ('bias', (2,), array([1., 1.], dtype=float32))
    """

    __array_priority__ = 100  # so that an array leaves arithmetic with a weight to the weight

    def __init__(
        self,
        path: str,
        shape: tuple[int, ...],
        initializer: Initializer,
        trainable: bool = True,
        *,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        self.path = path
        self.name = path.rpartition("/")[2]
        self.shape = tuple(shape)
        self.initializer = initializer
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        self.core = _core.Variable(self.name, list(self.shape), trainable)
        self._initialized = False

    @property
    def dtype(self) -> str:
        """Always 'float32'."""
        return "float32"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    def initialized(self) -> _core.Variable:
        """What the core knows of it, with values in it."""
        if not self._initialized:
            with _initializing:
                if not self._initialized:
                    self.overwrite(self.initializer(self.shape))
        return self.core

    @property
    def has_values(self) -> bool:
        """Whether it has been given values, or its initializer has run."""
        return self._initialized

    def overwrite(self, values: Any) -> None:
        """Sets the values, which must fit, whatever a tape has recorded."""
        self.core.value_to_overwrite[...] = values
        self.core.touch()
        self._initialized = True

    def fill(self, write: Callable[[F32], object]) -> None:
        """Lets a function write the first values into the array; a fresh variable that no tape has seen."""
        write(self.core.value)
        self.core.touch()
        self._initialized = True

    def leave_in(self, file: _core.File, offset: int) -> None:
        """Leaves the first values in a file until somebody asks; a fresh variable that no tape has seen."""
        self.core.leave_in(file, offset)
        self._initialized = True

    @property
    def value(self) -> Any:
        """The values, as a read-only view; `assign` writes. In a layer's `call`, a symbol for them."""
        if _current_trace() is not None:
            from pycnn.core.symbolic import as_symbol

            return as_symbol(self)
        return self._view()

    def _view(self) -> F32:
        trace = _current_trace()
        if trace is not None and trace.assigns(self):
            raise TypeError(
                f"{self.path} has no values after an assignment in the `call` of layer "
                f"{trace.layer.name!r}, which is traced: layers, functions of keras.ops and arithmetic take "
                f"the variable itself; NumPy, `float` and `numpy()` do not"
            )
        if new_values:
            from pycnn.core.tensor import before_reading

            before_reading()
        view = self.initialized().value
        view.flags.writeable = False
        return view

    def numpy(self) -> F32:
        """A copy of the values."""
        copy: F32 = self._view().copy()
        return copy

    def assign(self, value: Any) -> Variable:
        """Sets the values.

        In the `call` of a layer or model, the value may be computed there. What is read afterwards is the new
        value; once a batch is done, the variable has it: in `fit`, `evaluate` and `predict`, in a
        GradientTape, and where the layer is called on arrays. No gradient goes through the value to what it
        is computed from, as in TensorFlow; gradients by a variable that trains are those of what reads it,
        before and after.

        Args:
            value: numbers of the variable's shape; in a `call` a symbol, or another variable.

        Returns:
            The variable.

        Raises:
            TypeError: if these are no real numbers.
            ValueError: if the shape is another one; or has a batch axis, where it is a symbol.
            NotImplementedError: for a symbol outside of a `call`, in a loss.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> class Centered(keras.layers.Layer):
            ...     def build(self, input_shape):
            ...         self.mean = self.add_weight((input_shape[-1],), "zeros", trainable=False)
            ...
            ...     def call(self, x, training=False):
            ...         if training:
            ...             self.mean.assign(0.5 * self.mean + 0.5 * keras.ops.mean(x, axis=0))
            ...         return x - self.mean
            >>> layer = Centered()
            >>> layer(np.ones((4, 2)), training=True)[0].tolist(), layer.mean.numpy().tolist()
            ([0.5, 0.5], [0.5, 0.5])
        """
        if (trace := _current_trace()) is not None:
            from pycnn.core.assignments import assign

            assign(trace, self, value)
            return self
        array = self._numbers("the new value", value)
        if array.shape != self.shape:
            raise ValueError(f"{self.path}: the new value has shape {array.shape}, expected {self.shape}")
        from pycnn.core.tensor import before_change

        before_change()
        self.overwrite(array)
        return self

    def assign_add(self, value: Any) -> Variable:
        """Adds numbers of the variable's shape, or that broadcast to it; in a `call` symbols, as `assign`."""
        return self.assign(self.value + self._added("value", value))

    def assign_sub(self, value: Any) -> Variable:
        """Subtracts numbers of the variable's shape, or that broadcast to it, as `assign_add` adds."""
        return self.assign(self.value - self._added("value", value))

    def _added(self, name: str, value: Any) -> Any:
        return self._numbers(name, value) if _current_trace() is None else value

    def _numbers(self, name: str, value: Any) -> F32:
        from pycnn.core.symbolic import KerasTensor

        if isinstance(value, KerasTensor):
            raise NotImplementedError(
                f"{self.path}: a weight cannot be assigned a symbol here, which has no values: that is for "
                "the `call` of a layer or model; a `train_step` assigns arrays"
            )
        return as_float32(f"{self.path}: {name}", value)

    def __getstate__(self) -> dict[str, Any]:
        """Its attributes, for copies: the values, where it has some, in the place of the core's memory."""
        state = {name: value for name, value in self.__dict__.items() if name not in ("core", "_taped")}
        return state | ({"initializer": None, "values": self.numpy()} if self._initialized else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        values = state.pop("values", None)
        self.__dict__.update(state)
        self.core = _core.Variable(self.name, list(self.shape), self.trainable)
        if values is not None:
            self.overwrite(values)

    def __copy__(self) -> Any:
        import copy

        return copy.deepcopy(self)

    def __float__(self) -> float:
        return float(self._view())

    def __int__(self) -> int:
        return int(self._view())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype=float32, value={self._view()}>"


def _current_trace() -> Any:
    """The `call` that is being traced, or None."""
    from pycnn.core.function import current_trace

    return current_trace()
