"""Symbols for the arrays that go from layer to layer, and the way from one to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias

from pycnn.core.names import auto_name

if TYPE_CHECKING:
    from pycnn.core.program import Blueprint

    Shape: TypeAlias = tuple[int | None, ...]


class Called(Protocol):
    """What is asked here of a layer or model."""

    name: str

    def connect(self, graph: Blueprint, nodes: Sequence[int]) -> int:
        """Adds it to a graph behind `nodes`; returns the node of its output."""

    def forget_call(self, call: Node) -> None:
        """Takes a call back."""


class KerasTensor:
    """Stands for the arrays that go into or come out of a layer: shape, dtype and name, no values.

    Args:
        shape: with the batch axis first, which is None.
        dtype: of the data.
        name: None for an automatic one.
    """

    def __init__(self, shape: Sequence[int | None], dtype: str = "float32", name: str | None = None) -> None:
        self.shape: Shape = tuple(shape)
        self.dtype = dtype
        self.name = name or auto_name("KerasTensor")
        self.node: Node | None = None

    @property
    def ndim(self) -> int:
        """Number of axes, the batch axis included."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def _no_values(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            f"{self!r} stands for arrays and has no values: layers take it, such as layers.Add()([x, y]) or "
            f"layers.Activation('relu')(x); NumPy, Python's operators and functions of arrays do not"
        )

    __array__ = __iter__ = __bool__ = __len__ = __getitem__ = __float__ = __int__ = _no_values
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _no_values
    __neg__ = __pow__ = __matmul__ = __rmatmul__ = _no_values


class Node:
    """One call of a layer: the symbols that went in, and the one that came out.

    Args:
        layer: that was called.
        inputs: none for an Input.
        output: gets this node as its origin.
    """

    __slots__ = ("inputs", "layer", "output")

    def __init__(self, layer: Called, inputs: tuple[KerasTensor, ...], output: KerasTensor) -> None:
        self.layer = layer
        self.inputs = inputs
        self.output = output
        output.node = self


def is_symbolic(x: Any) -> bool:
    """Whether x is a symbol or a list with a symbol in it."""
    return isinstance(x, KerasTensor) or (
        isinstance(x, (list, tuple)) and any(isinstance(item, KerasTensor) for item in x)
    )


def trace(source: KerasTensor, target: KerasTensor) -> list[Node]:
    """The calls that make `target` from `source`, each behind those it needs, a branch at a time.

    Raises:
        ValueError: if something else than `source` is needed.
    """
    calls: dict[Node, None] = {}
    stack = [(target, False)]
    while stack:
        tensor, ready = stack.pop()
        node = tensor.node
        if ready and node is not None:
            calls[node] = None
        elif tensor is not source and node not in calls:
            if node is None or not node.inputs:
                raise ValueError(
                    f"Graph disconnected: {target!r} cannot be computed from {source!r}, as it also needs "
                    f"{tensor!r}"
                )
            stack.append((tensor, True))
            stack.extend((origin, False) for origin in reversed(node.inputs))
    return list(calls)


def layers_by_depth(first: Called, source: KerasTensor, calls: Sequence[Node]) -> list[Called]:
    """The layers of calls that `trace` found, `first` included, in Keras' order.

    That is the longest way to the output, then the order in which a search from the output, depth first and
    along the inputs, meets them.
    """
    depths = dict.fromkeys(calls, 0)
    of_layer: dict[Called, int] = {}
    first_depth = 0
    for call in reversed(calls):
        depth = depths[call] = of_layer[call.layer] = max(depths[call], of_layer.get(call.layer, 0))
        for tensor in call.inputs:
            if tensor is source:
                first_depth = max(first_depth, depth + 1)
            elif tensor.node is not None:
                depths[tensor.node] = max(depths[tensor.node], depth + 1)
    met: dict[Called, int] = {}
    stack = [calls[-1].output] if calls else []
    seen: set[Node] = set()
    while stack:
        tensor = stack.pop()
        node = tensor.node
        if tensor is source:
            met.setdefault(first, len(met))
        elif node is not None and node not in seen:
            seen.add(node)
            met.setdefault(node.layer, len(met))
            stack.extend(reversed(node.inputs))
    of_layer[first] = first_depth
    return sorted(of_layer, key=lambda layer: (-of_layer[layer], met.get(layer, 0)))
