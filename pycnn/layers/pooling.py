"""Pooling: the maximum or the mean of windows of an image, or of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core.arguments import as_pair
from pycnn.core.layer import Layer
from pycnn.layers.checks import checked_data_format
from pycnn.layers.geometry import checked_padding, image_size, resolved_padding

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint

    Pair: TypeAlias = int | Sequence[int]


class _Pooling2D(Layer):
    """What both kinds share: windows that step over each channel."""

    def __init__(
        self,
        pool_size: Pair,
        strides: Pair | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        owner = type(self).__name__
        self.pool_size = as_pair(f"{owner}: pool_size", pool_size)
        self.strides = self.pool_size if strides is None else as_pair(f"{owner}: strides", strides)
        self.padding = checked_padding(owner, padding, explicit=False)
        self.data_format = checked_data_format(self, data_format)

    def _geometry(self, graph: Blueprint, node: int) -> dict[str, Any]:
        shape = image_size(self.name, graph.shape(node))
        return {
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": resolved_padding(self.padding, shape, self.pool_size, self.strides),
        }

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "pool_size": list(self.pool_size),
            "padding": self.padding,
            "strides": list(self.strides),
            "data_format": self.data_format,
        }


class MaxPooling2D(_Pooling2D):
    """The maximum of each window. Input (n, h, w, c), output (n, oh, ow, c).

    Args:
        pool_size: height and width of the window in pixels, or one integer for both.
        strides: step of the window in pixels; None for `pool_size`.
        padding: 'valid' or 'same'.
        data_format: None or 'channels_last'.
        name: None for an automatic one.
        kwargs: trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.MaxPooling2D(2)(np.arange(16).reshape(1, 4, 4, 1))[0, :, :, 0]
        array([[ 5.,  7.],
               [13., 15.]], dtype=float32)
    """

    def __init__(
        self,
        pool_size: Pair = (2, 2),
        strides: Pair | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def lower(self, graph: Blueprint, node: int) -> int:
        return graph.max_pool2d(node, name=self.name, **self._geometry(graph, node))


class AveragePooling2D(_Pooling2D):
    """The mean of each window, padding left out of it. Input (n, h, w, c), output (n, oh, ow, c).

    Args:
        pool_size: height and width of the window in pixels, or one integer for both.
        strides: step of the window in pixels; None for `pool_size`.
        padding: 'valid' or 'same'.
        data_format: None or 'channels_last'.
        name: None for an automatic one.
        kwargs: trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.AveragePooling2D(2)(np.arange(16).reshape(1, 4, 4, 1))[0, :, :, 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]], dtype=float32)
    """

    def lower(self, graph: Blueprint, node: int) -> int:
        return graph.average_pool2d(node, count_padding=False, name=self.name, **self._geometry(graph, node))


class _GlobalPooling2D(Layer):
    """One value for each channel."""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self, data_format)
        self.keepdims = bool(keepdims)

    def _pool(self, graph: Blueprint, node: int, size: tuple[int, int]) -> int:
        raise NotImplementedError

    def lower(self, graph: Blueprint, node: int) -> int:
        height, width, channels = image_size(self.name, graph.shape(node))
        node = self._pool(graph, node, (height, width))
        return node if self.keepdims else graph.reshape(node, (channels,), name=self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"data_format": self.data_format, "keepdims": self.keepdims}


class GlobalMaxPooling2D(_GlobalPooling2D):
    """The maximum of each channel. Input (n, h, w, c), output (n, c).

    Args:
        data_format: None or 'channels_last'.
        keepdims: whether the output is (n, 1, 1, c).
        kwargs: name, trainable, input_shape.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.GlobalMaxPooling2D()(np.arange(8).reshape(1, 2, 2, 2))
        array([[6., 7.]], dtype=float32)
    """

    def _pool(self, graph: Blueprint, node: int, size: tuple[int, int]) -> int:
        return graph.max_pool2d(node, pool_size=size, strides=size, name=self.name)


class GlobalAveragePooling2D(_GlobalPooling2D):
    """The mean of each channel. Input (n, h, w, c), output (n, c).

    Args:
        data_format: None or 'channels_last'.
        keepdims: whether the output is (n, 1, 1, c).
        kwargs: name, trainable, input_shape.

    Raises:
        ValueError: if an argument has a value that is not supported.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.GlobalAveragePooling2D()(np.arange(8).reshape(1, 2, 2, 2))
        array([[3., 4.]], dtype=float32)
    """

    def _pool(self, graph: Blueprint, node: int, size: tuple[int, int]) -> int:
        return graph.average_pool2d(node, pool_size=size, strides=size, name=self.name)
