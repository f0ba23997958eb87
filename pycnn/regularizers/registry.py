"""Regularizers by name, and as plain data."""

from __future__ import annotations

from typing import Any

from pycnn.core.finding import Finder
from pycnn.regularizers.base import Regularizer
from pycnn.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer

_finder = Finder("regularizer", "keras.regularizers", Regularizer, (L1, L2, L1L2, OrthogonalRegularizer))


def get(identifier: Any) -> Any:
    """The regularizer for a name, a class, an object, a description of one, a function, or None.

    Args:
        identifier: for instance 'l2', L2, L2(0.1), `serialize`'s dict or a function of the weight.

    Returns:
        A callable, or None for None.

    Raises:
        ValueError: if there is no such regularizer.

    Example:
        >>> import pycnn as keras
        >>> keras.regularizers.get("l2")
        <L2 l2=0.01>
    """
    return _finder.get(identifier)


def serialize(regularizer: Any) -> Any:
    """A description of a regularizer as plain data; None for None."""
    return _finder.serialize(regularizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The regularizer that `serialize` described; `custom_objects` names your own classes and functions."""
    return _finder.deserialize(config, custom_objects)
