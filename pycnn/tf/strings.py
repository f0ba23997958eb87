"""TensorFlow's `tf.strings`: names of files in pipelines of data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from pycnn.data.elements import Text
from pycnn.tf.dtypes import numpy_dtype


def _text(name: str, value: Any) -> str:
    """A string, of bytes too.

    Raises:
        TypeError: if it is none.
    """
    value = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError(f"tf.strings.{name}: {value!r:.100} is no string; several go through Dataset.map")
    return str(value)


def split(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> list[Text]:
    """The parts of a string between separators; at blanks where there is none.

    Example:
        >>> import pycnn.tf as tf
        >>> tf.strings.split("flowers/roses/1.jpg", "/")[-2]
        'roses'
    """
    separator = None if sep is None or _text("split", sep) == "" else _text("split", sep)
    return [Text(part) for part in _text("split", input).split(separator, maxsplit)]


def join(inputs: Iterable[Any], separator: str = "", name: str | None = None) -> Text:
    """Strings one after the other."""
    return Text(separator.join(_text("join", part) for part in inputs))


def lower(input: Any, encoding: str = "", name: str | None = None) -> Text:
    """A string in small letters."""
    return Text(_text("lower", input).lower())


def regex_full_match(input: Any, pattern: str, name: str | None = None) -> bool:
    """Whether a string as a whole fits a regular expression; Python's, not those of RE2."""
    return re.fullmatch(pattern, _text("regex_full_match", input)) is not None


def regex_replace(
    input: Any, pattern: str, rewrite: str, replace_global: bool = True, name: str | None = None
) -> Text:
    """A string with other text for what fits a regular expression; Python's, not those of RE2."""
    return Text(re.sub(pattern, rewrite, _text("regex_replace", input), count=0 if replace_global else 1))


def to_number(input: Any, out_type: Any = "float32", name: str | None = None) -> Any:
    """The number that a string says."""
    return numpy_dtype("to_number", out_type).type(_text("to_number", input))


__all__ = ["join", "lower", "regex_full_match", "regex_replace", "split", "to_number"]
