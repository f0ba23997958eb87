"""What Keras can set for a process, and has one value here; and what starts a process anew."""

from __future__ import annotations

from pycnn.core.names import reset_names
from pycnn.core.policy import reset_policy


def clear_session(free_memory: bool = True) -> None:
    """Starts the automatic names of layers anew, and goes back to the policy float32.

    Example:
        >>> import pycnn as keras
        >>> keras.backend.clear_session()
        >>> keras.layers.Dense(1).name, keras.layers.Dense(1).name
        ('dense', 'dense_1')
    """
    reset_names()
    reset_policy()


def epsilon() -> float:
    """1e-7: how far cross-entropies keep probabilities from 0 and 1."""
    return 1e-7


def set_epsilon(value: float) -> None:
    """Accepts 1e-7 only."""
    if value != 1e-7:
        raise ValueError(f"epsilon {value!r} is not supported; it is 1e-7")


def backend() -> str:
    """'pycnn'."""
    return "pycnn"


def floatx() -> str:
    """'float32'."""
    return "float32"


def set_floatx(value: str) -> None:
    """Accepts 'float32' only."""
    if value != "float32":
        raise ValueError(f"floatx {value!r} is not supported; pycnn computes in 'float32'")
