"""The gradients of a compiled model's loss, without a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pycnn.core.program import Program
    from pycnn.core.variable import Variable
    from pycnn.models.data import Batch


class LossAndGradients(NamedTuple):
    """What `Model.gradients` returns."""

    loss: float
    gradients: list[NDArray[np.float32]]  # in the order of trainable_weights


def gradients_of(program: Program, batch: Batch, variables: Sequence[Variable]) -> LossAndGradients:
    """Loss and gradients of one batch; statistics that a training step updates are put back.

    Raises:
        ValueError: if a variable has become trainable since the program was made.
    """
    network, places = program.network, {id(variable): i for i, variable in enumerate(program.variables)}
    for variable in variables:
        place = places.get(id(variable))
        if place is not None and not network.is_trainable(place):
            raise ValueError(f"{variable.path} was not trainable at the last `compile`; call `compile` again")
    kept = [
        (variable, variable.numpy())
        for i, variable in enumerate(program.variables)
        if not network.is_trainable(i)
    ]
    try:
        loss, _, _ = network.compute_gradients(batch.x, batch.y, batch.rows, batch.weight)
    finally:
        for variable, value in kept:
            if not np.array_equal(variable.value, value, equal_nan=True):
                variable.assign(value)
    found = [
        np.array(network.gradient(places[id(variable)]))
        if id(variable) in places
        else np.zeros(variable.shape, np.float32)
        for variable in variables
    ]
    return LossAndGradients(loss, found)
