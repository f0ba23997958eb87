"""What a layer demands of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pycnn.core import tree


class InputSpec:
    """Number of axes and sizes that an input of a layer must have; an attribute `input_spec` of a layer.

    Args:
        dtype: None, or the name of the data's type.
        shape: with the batch axis first, None where any size will do.
        ndim: number of axes, the batch axis included.
        max_ndim: the most axes.
        min_ndim: the fewest axes.
        axes: dict from numbers of axes to sizes.
        allow_last_axis_squeeze: whether a last axis of length 1 may be missing, or be too many.
        optional: whether there may be no such input.
        name: of the input.

    Raises:
        TypeError, ValueError: if `axes` is no such dict, or has an axis that there is not.

    Example:
        >>> import pycnn as keras
        >>> class Gray(keras.layers.Layer):
        ...     def __init__(self):
        ...         super().__init__(name="gray")
        ...         self.input_spec = keras.InputSpec(ndim=4, axes={-1: 3})
        ...
        ...     def call(self, x):
        ...         return keras.ops.mean(x, axis=-1, keepdims=True)
        >>> Gray()(keras.Input((8, 8, 1)))
        Traceback (most recent call last):
        ValueError: Layer 'gray': input 0 has shape (None, 8, 8, 1); expected InputSpec(ndim=4, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        optional: bool = False,
        name: str | None = None,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(tuple(shape))
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        try:
            self.axes = {int(axis): size for axis, size in dict(axes or {}).items()}
        except (TypeError, ValueError):
            raise TypeError(f"InputSpec: axes is {axes!r}; expected a dict from integers to sizes") from None
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.optional = optional
        self.name = name
        most = self.ndim or self.max_ndim
        if self.axes and most and max(self.axes) >= most:
            raise ValueError(f"InputSpec: axes has axis {max(self.axes)}, but there are at most {most} axes")

    def fits(self, shape: Sequence[int | None], dtype: str) -> bool:
        """Whether an input of this shape and type is as demanded; None fits every size."""
        found, wanted = tuple(shape), self.shape
        if self.dtype is not None and dtype != self.dtype:
            return False
        rank = len(found)
        if self.ndim is not None and not self.allow_last_axis_squeeze and rank != self.ndim:
            return False
        if not (self.min_ndim or 0) <= rank <= (rank if self.max_ndim is None else self.max_ndim):
            return False
        for axis, size in self.axes.items():
            if not -rank <= axis < rank or not _same(size, found[axis]):
                return False
        if wanted is not None:
            if self.allow_last_axis_squeeze:
                found, wanted = _squeezed(found), _squeezed(wanted)
            return all(_same(*sizes) for sizes in zip(wanted, found, strict=False))
        return True

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """One from the dict that `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        given = [(name, value) for name, value in self.get_config().items() if value]
        return f"InputSpec({', '.join(f'{name}={value!r}' for name, value in given)})"


def check_inputs(layer: str, spec: Any, inputs: Sequence[Any]) -> None:
    """ValueError unless the symbols are as a layer's `input_spec`, one or several, demands."""
    specs = tree.flatten(spec)
    if len(specs) != len(inputs):
        raise ValueError(f"Layer {layer!r} expects {len(specs)} inputs, but was called on {len(inputs)}")
    for number, (one, symbol) in enumerate(zip(specs, inputs, strict=True)):
        if one is not None and not one.fits(symbol.shape, symbol.dtype):
            raise ValueError(f"Layer {layer!r}: input {number} has shape {symbol.shape}; expected {one!r}")


def _same(wanted: int | None, found: int | None) -> bool:
    return wanted is None or found is None or wanted == found


def _squeezed(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return shape[:-1] if shape and shape[-1] == 1 else shape
