"""The base of the metrics."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from pycnn.core import serialization, user_variable
from pycnn.core.names import auto_name
from pycnn.core.results import answering
from pycnn.core.variable import Variable


class Metric:
    """Base of the metrics: variables, a method that adds a batch to them, and one that gives the result.

    Those of your own override `update_state` and `result`, which get and return arrays, and compute with
    NumPy or `keras.ops`.

    Args:
        dtype: None or 'float32'.
        name: None for the class's.

    Example:
        >>> import pycnn as keras
        >>> class Largest(keras.metrics.Metric):
        ...     def __init__(self, name="largest", **kwargs):
        ...         super().__init__(name=name, **kwargs)
        ...         self.value = self.add_weight(name="value")
        ...
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.value.assign(max(self.value, abs(y_true - y_pred).max()))
        ...
        ...     def result(self):
        ...         return self.value.numpy()
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse", metrics=[Largest()])
        >>> model.evaluate([[1.0], [2.0]], [[1.0], [5.0]], verbose=0)
        [4.5, 3.0]
    """

    kind: ClassVar[str | None] = None  # the core's name of what it counts
    _direction: ClassVar[str | None] = None  # 'up' or 'down': which values are better, for the mode 'auto'

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Results answer `numpy()`, as programs for TensorFlow ask of a tensor."""
        super().__init_subclass__(**kwargs)
        if "result" in cls.__dict__:
            cls.result = _answering(cls.result)  # type: ignore[method-assign]

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.dtype = self._checked_dtype(dtype)
        self.name = name or auto_name(type(self).__name__)
        self._variables: list[Variable] = []

    @classmethod
    def _checked_dtype(cls, dtype: Any) -> str:
        return serialization.checked_dtype(dtype, cls.__name__)

    @property
    def is_counted(self) -> bool:
        """Whether the core counts it in training."""
        return False

    @property
    def is_traced(self) -> bool:
        """Whether it is the mean of a function of targets and predictions, which models trace."""
        return False

    def add_variable(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: Any = None,
        aggregation: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A new variable of the metric.

        Args:
            shape: of the array.
            initializer: its name, or a function of the shape; None for zeros.
            dtype: has no effect: float32.
            aggregation: has no effect.
            name: None for an automatic one.
        """
        path = f"{self.name}/{name or 'variable'}"
        variable = user_variable.Variable(initializer or "zeros", tuple(shape), trainable=False, name=path)
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Sequence[int] = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """The older name of `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """Its variables."""
        return list(self._variables)

    def reset_state(self) -> None:
        """Forgets all values: variables become zeros."""
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape, np.float32))

    def reset_states(self) -> None:
        """The older name of `reset_state`."""
        warnings.warn("`reset_states` is now called `reset_state`", DeprecationWarning, stacklevel=2)
        self.reset_state()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Adds a batch: y_true, y_pred, sample_weight."""
        raise NotImplementedError(f"{type(self).__name__} has no `update_state`")

    def result(self) -> Any:
        """The metric of all that was added since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} has no `result`")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a batch and returns the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new metric from the dict that `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _answering(result: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(result)
    def call(self: Any) -> Any:
        return answering(result(self))

    return call


def quotient(x: Any, y: Any) -> Any:
    """x / y, and 0 where y is 0."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.divide(x, y, out=np.zeros(np.broadcast_shapes(x.shape, y.shape)), where=y != 0)


def as_result(x: Any) -> Any:
    """A float32 number or array."""
    return np.float32(x) if np.ndim(x) == 0 else np.asarray(x, np.float32)
