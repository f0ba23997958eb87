"""Objects of one kind by name, and as plain data: what the packages of small objects share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pycnn.core import custom_objects as custom
from pycnn.core import serialization
from pycnn.core.names import snake_case


class Finder:
    """Knows the classes of one kind.

    Args:
        kind: for messages, such as 'constraint'.
        module: that descriptions name.
        base: of the classes.
        classes: that have a name.
        functions: whether a function can stand for an object.
    """

    def __init__(
        self, kind: str, module: str, base: type, classes: Iterable[type], functions: bool = True
    ) -> None:
        self._kind = kind
        self._module = module
        self._base = base
        self._classes: dict[str, Any] = {cls.__name__: cls for cls in classes}
        self._names = {snake_case(name): cls for name, cls in self._classes.items()}
        self._functions = functions

    def get(self, identifier: Any) -> Any:
        """The object for a name, a class, an object, a description or a function; None for None."""
        if isinstance(identifier, Mapping):
            return self.deserialize(identifier)
        found = identifier
        if isinstance(identifier, str):
            found = custom.found(identifier, None) or (
                self._names.get(identifier) or self._classes.get(identifier)
            )
            if found is None:
                raise serialization.unknown_class(self._kind, identifier, self._names)
        if isinstance(found, type) and issubclass(found, self._base):
            return found()
        if found is None or isinstance(found, self._base) or (self._functions and callable(found)):
            return found
        raise serialization.unknown_class(self._kind, identifier, self._names)

    def serialize(self, thing: Any) -> Any:
        """A description as plain data; None for None."""
        if thing is None:
            return None
        if hasattr(thing, "get_config"):
            return serialization.serialize(thing, self._module)
        return serialization.serialize_function(thing)

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object that `serialize` described."""
        with custom.custom_object_scope(custom_objects):
            if config is None or isinstance(config, str):
                return self.get(config)
            return serialization.deserialize(config, self._classes, self._kind)
