"""The structure of what tapes have recorded: a key for programs, and what they get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core.symbolic import KerasTensor, Node, as_symbol
from pycnn.core.tensor import Placeholder, Tensor
from pycnn.core.variable import Variable


class Recording:
    """What some symbols are computed from: calls, arrays, and a key that is the same for the same structure.

    Args:
        outputs: the symbols.
    """

    def __init__(self, outputs: Sequence[KerasTensor]) -> None:
        self.outputs = list(dict.fromkeys(outputs))
        self.placeholders: list[Placeholder] = []
        self.holders: list[Any] = []  # layers and variables, by whose identity the key knows them
        self.training = False
        self.assigns = False  # whether a call gives variables new values
        self.has_gradients = False  # whether something is computed from gradients
        self.calls: dict[Node, None] = {}
        self._numbers: dict[KerasTensor, int] = {}
        self._key: list[Any] = []
        for output in self.outputs:
            self._visit(output)
        self._key.append(tuple(self._numbers[output] for output in self.outputs))

    @property
    def key(self) -> tuple[Any, ...]:
        """The structure."""
        return tuple(self._key)

    def number(self, symbol: KerasTensor) -> int | None:
        """The number of a symbol; None for one that nothing needs."""
        return self._numbers.get(symbol)

    def forms_of(self, x: Variable | Tensor) -> list[KerasTensor]:
        """The symbols that stand for a Tensor, or for a variable that no layer has, in what was recorded."""
        if isinstance(x, Variable):
            return [as_symbol(x)] if any(x is holder for holder in self.holders) else []
        return [symbol for symbol in x.forms() if symbol in self._numbers]

    def samples(self) -> int | None:
        """How many samples the arrays have, None where there is no batch."""
        sizes = {len(p.array) for p in self.placeholders if p.is_batched}
        if len(sizes) > 1:
            raise ValueError(
                f"One gradient is of one batch, but {sorted(sizes)} samples meet in what the tape recorded; "
                f"use a tape for each batch"
            )
        return sizes.pop() if sizes else None

    def _visit(self, output: KerasTensor) -> None:
        stack = [(output, False)]
        while stack:
            symbol, ready = stack.pop()
            node = symbol.node
            if symbol in self._numbers:
                continue
            if node is None or not node.inputs:
                self._leaf(symbol)
            elif ready:
                self._call(node)
            else:
                stack.append((symbol, True))
                stack.extend((origin, False) for origin in reversed(node.inputs))

    def _add(self, symbol: KerasTensor) -> None:
        self._numbers[symbol] = len(self._numbers)

    def _leaf(self, symbol: KerasTensor) -> None:
        self._add(symbol)
        if isinstance(symbol, Placeholder):
            self.placeholders.append(symbol)
            self._key.append(("array", symbol.shape, symbol.array.dtype.name))
        elif symbol.variable is not None:
            self.holders.append(symbol.variable)
            self._key.append(("variable", id(symbol.variable)))
        elif symbol.constant is not None:
            self._key.append(("constant", symbol.constant.shape, symbol.constant.tobytes()))
        else:
            raise ValueError(
                f"{symbol!r} belongs to a model that is being built, and has no values in a tape"
            )

    def _call(self, node: Node) -> None:
        self.calls[node] = None
        self.training = self.training or bool(node.training)
        operation = node.operation
        attributes = getattr(operation, "attributes", None)
        if attributes is None:
            holder: Any = getattr(operation, "layer", operation)  # a CallWithEffects is made for each call
            before, after = getattr(operation, "before", ()), getattr(operation, "after", ())
            self.holders += [holder, *before, *after]
            self.assigns = self.assigns or bool(before)
            leaves = holder.leaves() if hasattr(holder, "leaves") else ()
            known: Any = (id(holder), tuple((id(leaf), leaf.trainable) for leaf in leaves))
            known += (tuple(map(id, before)), tuple(map(id, after)))
        else:
            name = operation.function.name  # type: ignore[attr-defined]
            known = (name, self._frozen(attributes))
            self.has_gradients = self.has_gradients or name == "gradient"
        inputs = tuple(self._numbers[symbol] for symbol in node.inputs)
        self._key.append((known, node.training, inputs, self._frozen(node.arguments), len(node.outputs)))
        for symbol in node.outputs:
            self._add(symbol)

    def _frozen(self, x: Any) -> Any:
        """Arguments as something that can be compared and hashed."""
        if isinstance(x, KerasTensor):
            return ("symbol", self._numbers[x])
        if isinstance(x, dict):
            return ("dict", *((key, self._frozen(value)) for key, value in x.items()))
        if isinstance(x, (list, tuple)):
            return (type(x).__name__, *(self._frozen(item) for item in x))
        if isinstance(x, (np.ndarray, np.generic)):
            return (x.dtype.name, x.shape, x.tobytes())
        if isinstance(x, slice):
            return ("slice", self._frozen((x.start, x.stop, x.step)))
        if callable(x) or hasattr(x, "__dict__"):
            self.holders.append(x)
            return ("object", id(x))
        return (type(x).__name__, x)


class Sources:
    """By what a gradient is taken.

    Args:
        recording: of the target.
        given: variables and Tensors.
    """

    def __init__(self, recording: Recording, given: Sequence[Variable | Tensor]) -> None:
        self.given = given
        # Of each source, the symbols that stand for it; a variable stands for itself.
        self.symbols: list[list[KerasTensor]] = [
            [] if isinstance(x, Variable) else recording.forms_of(x) for x in given
        ]
        self.key = tuple(
            id(x) if isinstance(x, Variable) else tuple(recording.number(s) for s in symbols)
            for x, symbols in zip(given, self.symbols, strict=True)
        )

    @property
    def are_variables(self) -> bool:
        """Whether all of them are variables."""
        return all(isinstance(x, Variable) for x in self.given)
