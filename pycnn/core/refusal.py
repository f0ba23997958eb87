"""Names of Keras that are not there: refused by name when they are used, with what to use instead.

`refused_names` has those of packages, which `names_from` makes their attributes; a class refuses methods by
attributes made by `refused`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


def message(name: str, advice: str) -> str:
    """What an error says of a refused name."""
    return f"{name} is not supported: {advice}"


def refused(name: str, advice: str) -> Callable[..., Any]:
    """A method that raises NotImplementedError.

    Args:
        name: of the method.
        advice: why it is not there, and what to use.

    Example:
        >>> from pycnn.core.refusal import refused
        >>> class Thing:
        ...     fly = refused("fly", "use `walk`")
        >>> Thing().fly()
        Traceback (most recent call last):
        NotImplementedError: Thing.fly is not supported: use `walk`
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(message(f"{type(self).__name__}.{name}", advice))

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Not supported: {advice}."
    method.advice = advice  # type: ignore[attr-defined]
    return method


def refused_methods(cls: type) -> dict[str, str]:
    """What to use instead of the refused methods of a class and its bases, by their names."""
    found = {name: getattr(getattr(cls, name, None), "advice", None) for name in dir(cls)}
    return {name: advice for name, advice in found.items() if isinstance(advice, str)}


class Refused:
    """Stands for a function, class or module of Keras, and refuses to be called, derived from or looked into.

    It can be imported, as programs import more than they use. No object is an instance of it.

    Args:
        name: as users write it, for instance 'keras.callbacks.RemoteMonitor'.
        advice: what to use instead.

    Example:
        >>> from pycnn.core.refusal import Refused
        >>> Refused("keras.callbacks.RemoteMonitor", "use LambdaCallback")()
        Traceback (most recent call last):
        NotImplementedError: keras.callbacks.RemoteMonitor is not supported: use LambdaCallback
    """

    def __init__(self, name: str, advice: str) -> None:
        self._name = name
        self._advice = advice

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(message(self._name, self._advice))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self()

    def __mro_entries__(self, bases: tuple[Any, ...]) -> NoReturn:
        self()

    def __instancecheck__(self, instance: object) -> bool:
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self._name}, which is not supported>"


def advice_for(package: str, name: str) -> str | None:
    """What to use instead of a name of a package; None where the name is not refused.

    Args:
        package: as users call it, for instance 'keras.layers'.
        name: of what is looked for.
    """
    from pycnn.core.refused_names import REFUSED

    return REFUSED.get(package, {}).get(name)


def refuse(package: str, name: object) -> None:
    """ValueError where a string names a refused object of a package; case does not count.

    Args:
        package: as users call it, for instance 'keras.losses'.
        name: what was given.
    """
    from pycnn.core.refused_names import REFUSED

    for absent, advice in REFUSED[package].items():
        if isinstance(name, str) and name.lower() == absent.lower():
            raise ValueError(message(f"{package}.{absent}", advice))
