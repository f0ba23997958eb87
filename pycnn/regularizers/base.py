"""The base of the regularizers."""

from __future__ import annotations

from typing import Any


class Regularizer:
    """Base of all regularizers: a callable from a weight or an output to a number that is added to the loss.

    A regularizer of your own is written with `keras.ops`: it is traced, and runs and is differentiated in the
    core. A function of the weight will do as well.

    Example:
        >>> import pycnn as keras
        >>> class Spread(keras.regularizers.Regularizer):
        ...     def __call__(self, x):
        ...         return 0.1 * keras.ops.sum(keras.ops.abs(x - 1.0))
        >>> layer = keras.layers.Dense(2, kernel_regularizer=Spread())
    """

    def __call__(self, x: Any) -> Any:
        """The number for a weight, an output or an array."""
        raise NotImplementedError(f"{type(self).__name__} has no `__call__`")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The regularizer that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{''.join(f' {k}={v!r}' for k, v in self.get_config().items())}>"
