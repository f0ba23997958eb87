"""What Python's operators do to symbols and weights."""

from __future__ import annotations

from pycnn.core.operations import arithmetic, comparisons, elementwise, products, selection
from pycnn.core.symbolic import KerasTensor

for _module, _names in (
    (arithmetic, ("add", "subtract", "multiply", "divide", "power", "floor_divide", "mod")),
    (elementwise, ("negative", "absolute")),
    (
        comparisons,
        (
            "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_not",
            "logical_and", "logical_or",
        ),
    ),
    (products, ("matmul",)),
    (selection, ("get_item",)),
):  # fmt: skip
    KerasTensor.operators.update({_name: getattr(_module, _name) for _name in _names})
