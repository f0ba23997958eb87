"""Methods of Keras that are not there: refused by name, with what to use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def refused(name: str, reason: str) -> Callable[..., Any]:
    """A method that raises NotImplementedError.

    Args:
        name: of the method.
        reason: why it is not there, and what to use.

    Example:
        >>> from pycnn.core.refusal import refused
        >>> class Thing:
        ...     fly = refused("fly", "use `walk`")
        >>> Thing().fly()
        Traceback (most recent call last):
        NotImplementedError: Thing.fly is not supported: use `walk`
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}.{name} is not supported: {reason}")

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Not supported: {reason}."
    return method
