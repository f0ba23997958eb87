"""Which axis of images and sequences holds the channels."""

from __future__ import annotations

__all__ = ["checked_data_format", "image_data_format", "set_image_data_format"]

_FORMATS = ("channels_last", "channels_first")

_default = "channels_last"


def image_data_format() -> str:
    """The data format of layers and functions that are given none.

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return _default


def set_image_data_format(data_format: str) -> None:
    """Sets the data format of layers and functions that are given none.

    Layers keep the one that they were made with. The core computes with channels last: 'channels_first'
    costs a transposition at both ends of a row of layers.

    Args:
        data_format: 'channels_last', (n, h, w, c), or 'channels_first', (n, c, h, w).

    Raises:
        ValueError: if it is neither.

    Example:
        >>> set_image_data_format("channels_first")
        >>> image_data_format()
        'channels_first'
        >>> set_image_data_format("channels_last")
    """
    global _default
    _default = _checked("set_image_data_format", data_format)


def checked_data_format(owner: str, data_format: object) -> str:
    """'channels_last' or 'channels_first'; None stands for `image_data_format()`."""
    return _default if data_format is None else _checked(owner, data_format)


def _checked(owner: str, data_format: object) -> str:
    name = str(data_format).lower()
    if name not in _FORMATS:
        raise ValueError(
            f"{owner}: data_format is {data_format!r}; expected 'channels_last' or 'channels_first'"
        )
    return name
