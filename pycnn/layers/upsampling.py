"""Sequences and images of more pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core.arguments import as_int
from pycnn.core.operations.resizing import INTERPOLATIONS, interpolated, repeated
from pycnn.layers.documentation import described
from pycnn.layers.spatial import ElementLayer

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value

    Sizes: TypeAlias = int | Sequence[int]


@described(size="how often each step comes.")
class UpSampling1D(ElementLayer):
    """Each step repeated. Input (n, w, c), output (n, w * size, c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.UpSampling1D(2)([[[1], [2]]])[0, :, 0]
        array([1., 1., 2., 2.], dtype=float32)
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__("channels_last", **kwargs)
        self.size = as_int("UpSampling1D: size", size, 1)

    def _computed(self, x: Value) -> Value:
        return repeated(x, 1, self.size)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"size": self.size}


@described(
    size="factors of height and width: an integer, or one for each axis.",
    interpolation="'nearest' (each pixel repeated), 'bilinear', 'bicubic', 'lanczos3' or 'lanczos5'.",
)
class UpSampling2D(ElementLayer):
    """Larger images. Input (n, h, w, c), output (n, h * size[0], w * size[1], c).

    Example:
        >>> import pycnn as keras
        >>> keras.layers.UpSampling2D((1, 2), interpolation="bilinear")([[[[1], [5]]]])[0, :, :, 0]
        array([[1., 2., 4., 5.]], dtype=float32)
    """

    rank = 2

    def __init__(
        self,
        size: Sizes = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = self._sizes("size", size)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"UpSampling2D: interpolation is {interpolation!r}; expected one of "
                f"{', '.join(map(repr, INTERPOLATIONS))}"
            )

    def _computed(self, x: Value) -> Value:
        down, right = self.size
        if self.interpolation == "nearest":
            return repeated(x, down, right)
        return interpolated(x, self.interpolation, down, right)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "size": list(self.size),
            "data_format": self.data_format,
            "interpolation": self.interpolation,
        }
