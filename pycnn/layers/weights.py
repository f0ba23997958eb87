"""Kernels and biases with their initial values, regularizers and constraints."""

from __future__ import annotations

from typing import Any

from pycnn import constraints, initializers, regularizers
from pycnn.core.layer import Layer, WeightSpec


class WithWeights(Layer):
    """A layer whose constructor takes initializer, regularizer and constraint of each kind of weight."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._kinds: list[str] = []

    def _describe_weight(self, kind: str, initializer: Any, regularizer: Any, constraint: Any) -> None:
        """Keeps `{kind}_initializer`, `{kind}_regularizer` and `{kind}_constraint`."""
        setattr(self, f"{kind}_initializer", initializers.get(initializer))
        setattr(self, f"{kind}_regularizer", regularizers.get(regularizer))
        setattr(self, f"{kind}_constraint", constraints.get(constraint))
        self._kinds.append(kind)

    def _weight(self, kind: str, name: str, shape: tuple[int, ...]) -> WeightSpec:
        """A weight of a kind."""
        initializer = getattr(self, f"{kind}_initializer")
        regularizer, constraint = getattr(self, f"{kind}_regularizer"), getattr(self, f"{kind}_constraint")
        return WeightSpec(name, shape, initializer, True, regularizer, constraint)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for kind in self._kinds:
            config[f"{kind}_initializer"] = initializers.serialize(getattr(self, f"{kind}_initializer"))
            config[f"{kind}_regularizer"] = regularizers.serialize(getattr(self, f"{kind}_regularizer"))
            config[f"{kind}_constraint"] = constraints.serialize(getattr(self, f"{kind}_constraint"))
        return config
