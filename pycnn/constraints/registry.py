"""Constraints by name, and as plain data."""

from __future__ import annotations

from typing import Any

from pycnn.constraints.base import Constraint
from pycnn.constraints.constraints import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from pycnn.core.finding import Finder

_finder = Finder("constraint", "keras.constraints", Constraint, (MaxNorm, MinMaxNorm, NonNeg, UnitNorm))


def get(identifier: Any) -> Any:
    """The constraint for a name, a class, an object, a description of one, a function, or None.

    Args:
        identifier: for instance 'non_neg', NonNeg, MaxNorm(3), `serialize`'s dict or a function of the
            weight.

    Returns:
        A callable, or None for None.

    Raises:
        ValueError: if there is no such constraint.

    Example:
        >>> import pycnn as keras
        >>> keras.constraints.get("unit_norm")
        <UnitNorm axis=0>
    """
    return _finder.get(identifier)


def serialize(constraint: Any) -> Any:
    """A description of a constraint as plain data; None for None."""
    return _finder.serialize(constraint)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The constraint that `serialize` described; `custom_objects` names classes and functions of your own."""
    return _finder.deserialize(config, custom_objects)
