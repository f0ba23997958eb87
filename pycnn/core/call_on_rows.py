"""Calls of layers on rows of all samples, which `keras.ops.reshape(x, (-1, ...))` makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pycnn.core import tree
from pycnn.core.rows import Rows, whole_of
from pycnn.core.symbolic import KerasTensor

if TYPE_CHECKING:
    from pycnn.core.layer import Layer


def check(layer: Layer, arguments: Any) -> None:
    """Raises where a layer cannot take its inputs, some of which are rows.

    Raises:
        ValueError: if the axis of the rows is not the first one, or inputs do not have as many rows.
        NotImplementedError: if an output is regularized.
    """
    if any(part.activity_regularizer is not None for part in layer.leaves()):
        raise NotImplementedError(
            f"Layer {layer.name!r} was called on rows of all samples, where `activity_regularizer` is not "
            f"available; use `add_loss` in a layer of your own"
        )
    symbols = [x for x in tree.flatten(arguments) if isinstance(x, KerasTensor)]
    counts = {x.count if isinstance(x, Rows) else 1 for x in symbols if isinstance(x, Rows) or x.is_batched}
    moved = any(isinstance(x, Rows) and x.at != 0 for x in symbols)
    if moved or len(counts) > 1:
        raise ValueError(
            f"Layer {layer.name!r} was called on {', '.join(map(repr, symbols))}; expected rows of all "
            f"samples on the first axis, and as many in each input: reshape all to (-1, ...)"
        )


def call(layer: Layer, function: Callable[[Any], Any], arguments: Any) -> Any:
    """A layer without a `call` of one's own: at once, where it may have further axes, else row by row.

    Args:
        layer: that is called.
        function: calls it on symbols, in the structure of the arguments.
        arguments: with rows among them.

    Raises:
        ValueError: if it needs all rows at once.
    """
    rows = [x for x in tree.flatten(arguments) if isinstance(x, Rows)]
    if layer.takes_further_axes and all(x.ndim > 1 for x in rows):
        return tree.transformed(Rows, function(tree.transformed(whole_of, arguments)))
    from pycnn.core.operations.rows import each

    return each(f"Layer {layer.name!r}", function, arguments)
