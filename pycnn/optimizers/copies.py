"""Optimizers as plain attributes, for `copy` and `pickle`: the core's state as arrays."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pycnn.optimizers.base import Optimizer


def state_of(optimizer: Optimizer) -> dict[str, Any]:
    """The attributes of an optimizer, of which all can be copied; `restore` makes one of them."""
    followed = list(dict.fromkeys([*optimizer._followed, *optimizer._trained]))
    excluded, pattern = optimizer._without_decay
    state = optimizer.__dict__ | {
        "_core": None,
        "_settings": {},
        "_followed": followed,
        "_indices": {},
        "_without_decay": ([variable for variable in followed if id(variable) in excluded], pattern),
    }
    core = optimizer._core
    if core is None:
        return state
    slots = {
        name: [core.state(variable.core, name).copy() for variable in followed] for name in core.slot_names
    }
    return state | {"_core": {"iterations": core.iterations, "slots": slots}}


def restore(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Gives a new optimizer the attributes that `state_of` returned."""
    kept, followed = state["_core"], state["_followed"]
    excluded, pattern = state["_without_decay"]
    optimizer.__dict__.update(
        state
        | {
            "_core": None,
            "_followed": weakref.WeakSet(followed),
            "_indices": {id(variable): i for i, variable in enumerate(state["_trained"])},
            "_without_decay": (frozenset(map(id, excluded)), pattern),
        }
    )
    if kept is None:
        return
    core = optimizer.core()
    optimizer._leave_without_decay(followed)
    core.iterations = kept["iterations"]
    for name, arrays in kept["slots"].items():
        for variable, array in zip(followed, arrays, strict=True):
            core.state(variable.core, name)[...] = array
