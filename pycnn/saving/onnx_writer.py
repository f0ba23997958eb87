"""An ONNX graph while it grows: nodes, arrays, and images in two layouts.

pycnn's images are (h, w, c) and ONNX convolves (c, h, w): a value is kept in the layout in which it was made,
and transposed where it is asked for in the other one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

OPSET = 17
CHANNELS_LAST, CHANNELS_FIRST = "last", "first"
_PERMUTATIONS = {CHANNELS_FIRST: (0, 3, 1, 2), CHANNELS_LAST: (0, 2, 3, 1)}


class Value(NamedTuple):
    """A value of pycnn's graph.

    Args:
        shape: without the batch axis.
        batched: whether there is one.
        names: of ONNX' values, by layout.
        array: of parameters and constants.
    """

    shape: tuple[int, ...]
    batched: bool
    names: dict[str, str]
    array: NDArray[Any] | None = None


class Writer:
    """Collects nodes, initial arrays and the values of pycnn's graph.

    Args:
        arrays: the parameters, by name.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        onnx: Any = import_module("onnx")
        self.onnx = onnx
        self.arrays = arrays
        self.values: list[Value] = []
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.inputs: list[Any] = []
        self._count = 0

    def fresh(self, base: str) -> str:
        """A name that nothing has."""
        self._count += 1
        return f"{base}:{self._count}"

    def add(self, operation: str, inputs: Sequence[str], base: str = "", **attributes: Any) -> str:
        """Adds a node, and returns the name of its output."""
        output = self.fresh(base or operation.lower())
        self.nodes.append(self.onnx.helper.make_node(operation, list(inputs), [output], **attributes))
        return output

    def constant(self, array: Any, dtype: Any = np.float32, name: str = "") -> str:
        """The name of an array; one initializer for each name, where one is given."""
        name = name or self.fresh("constant")
        if name not in self.initializers:
            contiguous = np.ascontiguousarray(np.asarray(array, dtype))
            self.initializers[name] = self.onnx.numpy_helper.from_array(contiguous, name)
        return name

    def reshape(self, x: str, shape: Sequence[int], batched: bool) -> str:
        """x as (batch, *shape), or without a batch as `shape`."""
        return self.add("Reshape", [x, self.constant([-1, *shape] if batched else list(shape), np.int64)])

    def name_of(self, node: int, layout: str = CHANNELS_LAST) -> str:
        """The name of a value in this layout."""
        value = self.values[node]
        if layout not in value.names:
            other = next(iter(value.names.values()))
            value.names[layout] = self.add("Transpose", [other], perm=_PERMUTATIONS[layout])
        return value.names[layout]

    def is_image(self, node: int) -> bool:
        """Whether a value may be in either layout."""
        value = self.values[node]
        return value.batched and len(value.shape) == 3

    def layout_of(self, nodes: Sequence[int]) -> str:
        """Where images of these values meet: channels first if one of them is there already."""
        first = any(CHANNELS_FIRST in self.values[node].names for node in nodes)
        return CHANNELS_FIRST if first else CHANNELS_LAST

    def operand(self, node: int, rank: int, layout: str) -> str:
        """A value that broadcasts against batched ones of so many axes, which are in this layout."""
        value = self.values[node]
        if value.batched and len(value.shape) == rank:
            return self.name_of(node, layout)
        missing = (1,) * (rank - len(value.shape))
        if value.batched:
            return self.reshape(self.name_of(node), (*missing, *value.shape), batched=True)
        if layout == CHANNELS_LAST:
            return self.name_of(node)
        assert value.array is not None
        image = value.array.reshape(*missing, *value.shape)
        return self.constant(image.transpose(2, 0, 1), name=f"{self.name_of(node)}:channels_first")
