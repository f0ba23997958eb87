"""The base of the constraints."""

from __future__ import annotations

from typing import Any


class Constraint:
    """Base of all constraints: a callable from a weight to what it becomes after each step.

    A constraint of your own gets the weight as a float32 array and returns one of its shape; `keras.ops` and
    NumPy will do. A function of the weight will do as well.

    Example:
        >>> import pycnn as keras
        >>> class Odd(keras.constraints.Constraint):
        ...     def __call__(self, w):
        ...         return (w - w[::-1]) / 2
        >>> layer = keras.layers.Dense(2, kernel_constraint=Odd())
    """

    def __call__(self, w: Any) -> Any:
        """What a weight becomes."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The constraint that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{''.join(f' {k}={v!r}' for k, v in self.get_config().items())}>"
