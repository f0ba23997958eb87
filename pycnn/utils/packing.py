"""What a `train_step` of one's own gets, taken apart and put together."""

from __future__ import annotations

from typing import Any


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample weights of a batch, None where it lacks them.

    Args:
        data: x, or a tuple (x,), (x, y) or (x, y, sample_weight).

    Raises:
        ValueError: if it has more parts.

    Example:
        >>> import pycnn as keras
        >>> keras.utils.unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            f"The data have {len(data)} parts; expected x, (x,), (x, y) or (x, y, sample_weight)"
        )
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The tuple of them without what is None; x alone where it needs none.

    Example:
        >>> import pycnn as keras
        >>> keras.utils.pack_x_y_sample_weight(1, 2)
        (1, 2)
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)
