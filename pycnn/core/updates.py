"""New values of variables that a network computes, besides its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core.tensor import before_change

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn import _core
    from pycnn.core.variable import Variable

    F32: TypeAlias = NDArray[np.float32]


class Updates:
    """The variables that calls of a function assign to; their new values are a network's last outputs.

    Args:
        network: that computes them.
        variables: in the order of these outputs.
    """

    def __init__(self, network: _core.Network, variables: Iterable[Variable]) -> None:
        self._variables = list(variables)
        self._outputs = len(network.outputs) - len(self._variables)

    def __bool__(self) -> bool:
        return bool(self._variables)

    @property
    def names(self) -> str:
        """The variables, for messages."""
        return ", ".join(variable.path for variable in self._variables)

    def arrays(self) -> list[F32]:
        """Arrays for the values that a run computes."""
        return [np.empty(variable.shape, np.float32) for variable in self._variables]

    def after(self, outputs: Sequence[Any] | None, values: Sequence[F32]) -> Sequence[Any] | None:
        """The arrays for all outputs of a step: those for the other outputs, or None, and for the values."""
        return [*(outputs or [None] * self._outputs), *values] if values else outputs

    def write(self, values: Sequence[F32]) -> None:
        """Gives the variables their values."""
        if not values:
            return
        before_change()
        for variable, value in zip(self._variables, values, strict=True):
            variable.overwrite(value)
