"""Pooling: the maximum or the mean of windows of sequences and images, or of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pycnn.core.operations.images import pair
from pycnn.core.operations.nodes import reshaped
from pycnn.core.operations.pooling import pooled
from pycnn.layers.documentation import described
from pycnn.layers.spatial import ElementLayer, SpatialLayer, checked_padding

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint
    from pycnn.core.operations.value import Value

    Sizes: TypeAlias = int | Sequence[int]


class _Pooling(ElementLayer):
    average: ClassVar[bool]

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, name=name, **kwargs)
        self.pool_size = self._sizes("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else self._sizes("strides", strides)
        self.padding = checked_padding(type(self).__name__, padding, ("valid", "same"))

    def _computed(self, x: Value) -> Value:
        window, strides = pair(self.pool_size), pair(self.strides)
        return pooled(x, self.average, window, strides=strides, padding=self.padding)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "pool_size": list(self.pool_size),
            "padding": self.padding,
            "strides": list(self.strides),
            "data_format": self.data_format,
        }


class _MaxPooling(_Pooling):
    average = False


_described = described(
    strides="step of the window in pixels: an integer, or one for each axis; None for `pool_size`."
)


@_described
class MaxPooling1D(_MaxPooling):
    """The maximum of each window. Input (n, w, c), output (n, ow, c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.MaxPooling1D(2)([[[1], [5], [3], [2]]])[0, :, 0]
        array([5., 3.], dtype=float32)
    """

    rank = 1


@_described
class MaxPooling2D(_MaxPooling):
    """The maximum of each window. Input (n, h, w, c), output (n, oh, ow, c).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.MaxPooling2D(2)(np.arange(16).reshape(1, 4, 4, 1))[0, :, :, 0]
        array([[ 5.,  7.],
               [13., 15.]], dtype=float32)
    """

    rank = 2


@_described
class AveragePooling1D(_Pooling):
    """The mean of each window, padding left out of it. Input (n, w, c), output (n, ow, c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.AveragePooling1D(2)([[[1], [5], [3], [2]]])[0, :, 0]
        array([3. , 2.5], dtype=float32)
    """

    rank = 1
    average = True


@_described
class AveragePooling2D(_Pooling):
    """The mean of each window, padding left out of it. Input (n, h, w, c), output (n, oh, ow, c).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.AveragePooling2D(2)(np.arange(16).reshape(1, 4, 4, 1))[0, :, :, 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]], dtype=float32)
    """

    rank = 2
    average = True


class _GlobalPooling(SpatialLayer):
    average: ClassVar[bool]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.keepdims = bool(keepdims)

    def lower(self, graph: Blueprint, node: int) -> int:
        x = self._image(graph, node)
        size = (x.sample[0], x.sample[1])
        y = pooled(x, self.average, size, strides=size)
        return self._from_image(y) if self.keepdims else reshaped(y, (x.sample[2],)).node

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"data_format": self.data_format, "keepdims": self.keepdims}


_global = described(keepdims="whether the axes that are pooled stay, with size 1.")


@_global
class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum of each channel. Input (n, w, c), output (n, c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.GlobalMaxPooling1D()([[[1, 2], [3, 0]]])
        array([[3., 2.]], dtype=float32)
    """

    rank = 1
    average = False


@_global
class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum of each channel. Input (n, h, w, c), output (n, c).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.GlobalMaxPooling2D()(np.arange(8).reshape(1, 2, 2, 2))
        array([[6., 7.]], dtype=float32)
    """

    rank = 2
    average = False


@_global
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel. Input (n, w, c), output (n, c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.GlobalAveragePooling1D()([[[1, 2], [3, 0]]])
        array([[2., 1.]], dtype=float32)
    """

    rank = 1
    average = True


@_global
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel. Input (n, h, w, c), output (n, c).

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> keras.layers.GlobalAveragePooling2D()(np.arange(8).reshape(1, 2, 2, 2))
        array([[3., 4.]], dtype=float32)
    """

    rank = 2
    average = True


AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
