"""The input of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pycnn.core.arguments import checked_shape
from pycnn.core.layer import Layer
from pycnn.core.symbolic import KerasTensor, Node

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint


class InputLayer(Layer):
    """Says what shape the samples have that go into a model.

    Args:
        shape: of one sample, without the batch axis.
        batch_size: None; any number of samples can come.
        dtype: of the data, for information: arrays of any real dtype are accepted and computed with as
            float32.
        sparse: only None or False.
        ragged: only None or False.
        batch_shape: instead of `shape`, with the batch axis first.
        input_tensor: only None.
        optional: only False.
        name: None for an automatic one.

    Raises:
        ValueError: if the shape is missing or is not made of positive integers.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.InputLayer((28, 28, 1)).batch_shape
        (None, 28, 28, 1)
    """

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        input_shape = kwargs.pop("input_shape", None)
        super().__init__(name=name, **kwargs)
        self._reject(
            sparse=sparse or None, ragged=ragged or None, input_tensor=input_tensor, optional=optional or None
        )
        if batch_shape is not None:
            if not isinstance(batch_shape, Sequence) or len(batch_shape) < 2:
                raise ValueError(f"{self.name}: `batch_shape` is {batch_shape!r}; expected (None, ...)")
            shape, batch_size = batch_shape[1:], batch_shape[0]  # type: ignore[assignment]
        shape = shape if shape is not None else input_shape
        if shape is None:
            raise ValueError(
                f"{self.name}: `shape` is missing; expected the shape of a sample, such as (28, 28, 1)"
            )
        self.shape = checked_shape(self.name, shape)
        if not self.shape:
            raise ValueError(f"{self.name}: `shape` is empty; expected at least one axis besides the batch")
        self._data_dtype = _checked_data_dtype(dtype)
        self.batch_shape = (batch_size, *self.shape)
        self.built = True
        self._begin()

    def _begin(self) -> None:
        """The symbol of the samples, as of a call."""
        symbol = KerasTensor((None, *self.shape), self._data_dtype, self.name)
        self.note_call(Node(self, (), (symbol,)))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._begin()

    def lower(self, graph: Blueprint, node: int) -> int:
        return node

    @property
    def input(self) -> Any:
        """The symbol of the samples, as `output`."""
        return self.output

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self._data_dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": False,
        }


def Input(
    shape: Sequence[int] | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbol for the samples: what a functional `Model` starts from, or the first entry of a `Sequential`.

    Args:
        shape: of one sample, without the batch axis.
        batch_size: None; any number of samples can come.
        dtype: of the data, for information: arrays of any real dtype are accepted and computed with as
            float32.
        sparse: only None or False.
        ragged: only None or False.
        batch_shape: instead of `shape`, with the batch axis first.
        name: None for an automatic one.
        tensor: only None.
        optional: only False.

    Returns:
        A symbol that stands for the samples.

    Raises:
        ValueError: if the shape is missing or is not made of positive integers.

    Example:
        >>> import pycnn as keras
        >>> keras.Input((28, 28, 1), name="image")
        <KerasTensor shape=(None, 28, 28, 1), dtype=float32, name=image>
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name)
    output: KerasTensor = layer.output
    return output


def _checked_data_dtype(dtype: Any) -> str:
    import numpy as np

    try:
        numpy_dtype = np.dtype("float32" if dtype is None else dtype)
    except TypeError:
        numpy_dtype = np.dtype(object)
    if numpy_dtype.kind not in "biuf":
        raise ValueError(f"Input: dtype {dtype!r} is not supported; expected the name of a real number type")
    return str(numpy_dtype.name)
