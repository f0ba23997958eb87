"""Classes and functions of one's own that descriptions may name: registered ones, and those of a scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

_Object = TypeVar("_Object", bound=Callable[..., Any])

_registered: dict[str, Any] = {}  # by 'package>name'
_scopes: ContextVar[tuple[Mapping[str, Any], ...]] = ContextVar("scopes", default=())


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[_Object], _Object]:
    """Makes a class or function of one's own known to `load_model`: a decorator.

    Args:
        package: put before the name, so that two programs' names do not meet.
        name: None for the class's or function's.

    Returns:
        The decorator, which gives its argument back.

    Raises:
        ValueError: if a class has no `get_config`, or another object has the name.

    Example:
        >>> import pycnn as keras
        >>> @keras.saving.register_keras_serializable("docs")
        ... class Double(keras.layers.Layer):
        ...     def call(self, x):
        ...         return 2 * x
        >>> keras.layers.deserialize(keras.layers.serialize(Double(name="d")))
        <Double name=d, built=False>
    """

    def decorate(thing: _Object) -> _Object:
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(f"{thing.__name__} cannot be registered without a `get_config`")
        full = f"{package}>{name or thing.__name__}"
        known = _registered.get(full)
        if known is not None and _place(known) != _place(thing):
            raise ValueError(f"{full!r} is registered already, for {known!r}")
        _registered[full] = thing
        return thing

    return decorate


def _place(thing: Any) -> tuple[Any, Any]:
    return getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function is registered; its own name where it is not."""
    return next((name for name, thing in _registered.items() if thing is obj), obj.__name__)


def get_custom_objects() -> dict[str, Any]:
    """The dict of registered classes and functions, by their names; what is put there is known, too.

    Example:
        >>> import pycnn as keras
        >>> def half(x):
        ...     return 0.5 * x
        >>> keras.saving.get_custom_objects()["half"] = half
        >>> keras.layers.Activation("half")([[2.0]])
        array([[1.]], dtype=float32)
        >>> del keras.saving.get_custom_objects()["half"]
    """
    return _registered


def get_registered_object(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The class or function of a name: of the scopes around, the argument, or registered; None for none."""
    for scope in (*reversed(_scopes.get()), custom_objects or {}, _registered):
        if name in scope:
            return scope[name]
    return None


def found(class_name: str, registered_name: Any) -> Any:
    """What a description's names stand for; None where nobody has given or registered such an object."""
    for name in (registered_name, class_name):
        if isinstance(name, str) and (thing := get_registered_object(name)) is not None:
            return thing
    return None


@contextmanager
def custom_object_scope(*custom_objects: Mapping[str, Any] | None) -> Iterator[None]:
    """While it lasts, descriptions and names may name these classes and functions.

    Args:
        custom_objects: dicts from names to classes or functions.

    Raises:
        TypeError: if an argument is no such dict.

    Example:
        >>> import pycnn as keras
        >>> def half(x):
        ...     return 0.5 * x
        >>> with keras.utils.custom_object_scope({"half": half}):
        ...     layer = keras.layers.Activation("half")
        >>> layer([[2.0]])
        array([[1.]], dtype=float32)
    """
    given = [scope for scope in custom_objects if scope is not None]
    for scope in given:
        if not isinstance(scope, Mapping) or not all(
            isinstance(key, str) and callable(value) for key, value in scope.items()
        ):
            raise TypeError(
                f"custom_objects is {scope!r:.200}; expected a dict from names to classes or functions"
            )
    token = _scopes.set((*_scopes.get(), *given))
    try:
        yield
    finally:
        _scopes.reset(token)
