"""Gradients as symbols, and where they end."""

from __future__ import annotations

from typing import Any

from pycnn.core.operations.base import operation
from pycnn.core.operations.value import Value
from pycnn.core.symbolic import KerasTensor
from pycnn.core.variable import Variable


@operation(dtype="same")
def stop_gradient(variable: Any) -> Any:
    """The operand itself, through which no gradient goes.

    Args:
        variable: a symbol, or an array of any shape.

    Returns:
        A symbol for a symbol, else a copy of the array.

    Raises:
        TypeError: if the operand is neither a symbol nor real numbers.

    Source: keras.ops.stop_gradient.

    >>> from pycnn import ops
    >>> ops.stop_gradient([1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    x = variable
    return x.then(x.graph.stop_gradient(x.node, name=x.name)) if isinstance(x, Value) else x


@operation(2, like=1)
def _gradient(of: Value, by: Value) -> Value:
    return of.then(of.graph.gradient(of.node, by.node, name=of.name))


def gradient(of: Any, by: Any) -> Any:
    """The gradient of the sum of a symbol by another one, as a symbol; no gradient goes through it.

    Args:
        of: a symbol that is computed from `by`.
        by: a symbol or a variable, or a list of them.

    Returns:
        A symbol of the shape of `by`, or a list of them.

    Raises:
        TypeError: if an argument is no symbol.
        ValueError: if `of` does not depend on `by`; said by the model that is made of it.
        NotImplementedError: if `of` is computed from a gradient.

    Source: the chain rule; tf.gradients has the same form.

    >>> import pycnn as keras
    >>> x = keras.Input((2,))
    >>> slope = keras.Model(x, keras.ops.gradient(keras.ops.square(x), x))
    >>> slope.predict([[1.0, 3.0]], verbose=0).tolist()
    [[2.0, 6.0]]
    >>> from pycnn import ops
    """
    for symbol in (of, *(by if isinstance(by, (list, tuple)) else (by,))):
        if not isinstance(symbol, (KerasTensor, Variable)):
            raise TypeError(
                f"gradient: {symbol!r:.200} is no symbol; gradients of arrays need a function of them"
            )
    if isinstance(of, KerasTensor) and _has_gradient(of):
        raise NotImplementedError(
            f"gradient: {of!r:.200} is computed from a gradient, and the gradient of a gradient is not "
            f"available; keras.ops.stop_gradient makes a constant of it, and a difference of gradients at "
            f"two points is a second derivative"
        )
    return [_gradient(of, symbol) for symbol in by] if isinstance(by, (list, tuple)) else _gradient(of, by)


def _has_gradient(symbol: KerasTensor) -> bool:
    """Whether a gradient of it would have to go through another one."""
    pending, seen = [symbol], {symbol}
    while pending:
        node = pending.pop().node
        name = None if node is None else getattr(getattr(node.operation, "function", None), "name", None)
        if name == "gradient":
            return True
        if node is not None and name != "stop_gradient":
            fresh = [x for x in node.inputs if x not in seen]
            seen.update(fresh)
            pending.extend(fresh)
    return False
