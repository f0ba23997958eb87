"""Variables that a program makes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core import registry, serialization, variable
from pycnn.core.arrays import as_float32
from pycnn.core.names import auto_name


class Variable(variable.Variable):
    """An array of its own that gradients can be taken by and optimizers change.

    Args:
        initializer: the values; or, where there is a shape, a name, object or function of the shape.
        shape: of the array; None for that of the values.
        dtype: None or 'float32'.
        trainable: whether a GradientTape watches it by itself.
        autocast: has no effect, as `aggregation`.
        name: None for an automatic one.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import pycnn as keras
        >>> v = keras.Variable([1.0, 2.0], name="v")
        >>> with keras.GradientTape() as tape:
        ...     y = keras.ops.sum(v * v)
        >>> tape.gradient(y, v).numpy().tolist()
        [2.0, 4.0]
    """

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: Any = None,
        name: str | None = None,
    ) -> None:
        serialization.checked_dtype(dtype, "Variable")
        path = name or auto_name("variable")
        if isinstance(initializer, str) or callable(initializer):
            if shape is None:
                raise ValueError("Variable: an initializer needs a `shape`")
            make = registry.resolved("initializers", initializer)
            super().__init__(path, tuple(shape), make, bool(trainable))
            return
        values = np.array(as_float32("Variable: initializer", initializer))
        if shape is not None and tuple(shape) != values.shape:
            raise ValueError(f"Variable: the values have shape {values.shape}, but `shape` is {tuple(shape)}")
        super().__init__(path, values.shape, lambda _: values, bool(trainable))
