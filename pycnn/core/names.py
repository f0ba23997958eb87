"""Names: the automatic ones that Keras gives, and messages about unknown ones."""

from __future__ import annotations

import re
from collections.abc import Iterable

_counts: dict[str, int] = {}


def snake_case(name: str) -> str:
    """`MaxPooling2D` -> `max_pooling2d`, as Keras does it: `ReLU` -> `re_lu`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(class_name: str) -> str:
    """`conv2d`, `conv2d_1`, ... for objects that were given no name."""
    name = snake_case(class_name)
    count = _counts.get(name, 0)
    _counts[name] = count + 1
    return name if count == 0 else f"{name}_{count}"


def reset_names() -> None:
    """Starts the automatic names anew."""
    _counts.clear()


def unknown(what: str, given: object, known: Iterable[str]) -> ValueError:
    """The error for a name that does not exist: the nearest one, and the list of all."""
    import difflib

    names = sorted(known)
    nearest = difflib.get_close_matches(str(given), names, 1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return ValueError(f"Unknown {what}: {given!r}.{hint} Known are: {', '.join(names)}")
