"""Names of Keras that are not there: refused by name, with what to use instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn


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


class Refused:
    """Stands for a function, class or module of Keras, and refuses to be used.

    Args:
        name: as users write it, for instance 'callbacks.RemoteMonitor'.
        advice: what to use instead.
    """

    def __init__(self, name: str, advice: str) -> None:
        self._name = name
        self._advice = advice

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"pycnn has no {self._name}; {self._advice}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self()

    def __repr__(self) -> str:
        return f"<{self._name}, which pycnn has not>"


def refusing(package: str, advice: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package that refuses names when they are used, and not when they are imported.

    Args:
        package: its name below `pycnn`.
        advice: what to use instead, by the refused name.

    Example:
        >>> from pycnn.core.refusal import refusing
        >>> refusing("callbacks", {"RemoteMonitor": "use LambdaCallback"})("RemoteMonitor")()
        Traceback (most recent call last):
        NotImplementedError: pycnn has no callbacks.RemoteMonitor; use LambdaCallback
    """

    def attribute(name: str) -> Any:
        if name in advice:
            return Refused(f"{package}.{name}", advice[name])
        raise AttributeError(f"module 'pycnn.{package}' has no attribute {name!r}")

    return attribute
