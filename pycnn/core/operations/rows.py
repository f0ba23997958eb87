"""All values of a batch in one row: what `reshape(x, (-1,))` of a symbol with a batch axis gives.

Such a row belongs to no sample. Functions of each value by itself make rows of rows, and sums, means and
their like make one number of all samples, as losses of whole batches (Dice, Tversky) are written. All else
would need the places of values in the batch and is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.symbolic import KerasTensor

if TYPE_CHECKING:
    from pycnn.core.operations.base import Function

# Modules of functions of each value by itself, and further functions.
_BY_VALUE = ("arithmetic", "comparisons", "elementwise", "_activation_gated", "_activation_piecewise")
_ALSO_BY_VALUE = (
    "binary_crossentropy", "cast", "full_like", "sigmoid", "softplus", "softsign", "stop_gradient", "tanh",
)  # fmt: skip
_OF_ALL = ("all", "any", "count_nonzero", "max", "mean", "min", "prod", "std", "sum", "var")


class Row(KerasTensor):
    """A symbol of the values of all samples.

    Args:
        whole: (None, k), the same values by samples.
    """

    def __init__(self, whole: KerasTensor) -> None:
        super().__init__((None,), whole.dtype)
        self.whole = whole


def call(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """A function of operands of which at least one is a row.

    Raises:
        ValueError: if it is none for rows, or the operands do not fit.
    """
    module = function.body.__module__.rpartition(".")[2]
    if not function.several and (module in _BY_VALUE or function.name in _ALSO_BY_VALUE):
        size = next(x.whole.shape[1] for x in operands if isinstance(x, Row))
        wholes = [_beside(function.name, x, size) for x in operands]
        return Row(function.on_symbols(wholes, attributes))
    axis = attributes.get("axis")
    if function.name in _OF_ALL and axis in (None, 0, -1, (0,), (-1,), [0], [-1]) and len(operands) == 1:
        if attributes.get("keepdims"):
            raise ValueError(f"{function.name}: keepdims is not supported for a row of all values of a batch")
        return function.on_symbols([operands[0].whole], attributes | {"axis": None})
    if function.name == "reshape" and tuple(np.atleast_1d(attributes["newshape"])) == (-1,):
        return operands[0]
    raise ValueError(
        f"{function.name}: an operand is a row of all values of a batch, as reshape(x, (-1,)) makes it; it "
        f"goes into functions of each value by itself, and sums, means and their like. Keep the samples: "
        f"reshape(x, (-1, size))"
    )


def _beside(name: str, x: Any, size: int | None) -> Any:
    """An operand as it meets the values by samples."""
    if isinstance(x, Row):
        if x.whole.shape[1] != size:
            raise ValueError(
                f"{name}: rows of {size} and {x.whole.shape[1]} values of each sample do not fit together"
            )
        return x.whole
    shape = x.shape if hasattr(x, "shape") else np.shape(x)
    if x is not None and shape not in ((), (1,)):
        raise ValueError(
            f"{name}: a row of all values of a batch and an operand of shape {tuple(shape)} do not fit "
            f"together; expected a number, or another such row"
        )
    return x
