"""Checks of arrays, and their conversion to what the core takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core.foreign import as_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    F32: TypeAlias = NDArray[np.float32]
    I32: TypeAlias = NDArray[np.int32]

_TAKEN_AS_THEY_ARE = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.uint8))
_INT32 = np.iinfo(np.int32)


def as_float32(name: str, value: ArrayLike, ndim: int | None = None) -> F32:
    """The array as C-contiguous, aligned float32; integers, booleans and other floats are converted."""
    try:
        array = np.asarray(value if type(value) is np.ndarray else as_array(name, value))
    except ValueError as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} has shape {array.shape}; expected {ndim} dimensions")
    return np.require(array, np.float32, ["C", "A"])


def as_samples(name: str, x: Any, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Samples for the core: contiguous float32, float64 or uint8 as they are, everything else as float32.

    As in Keras, a last axis of length one may be missing or too many.
    """
    array = _real_array(name, x)
    if array.ndim < (2 if shape is None else 1):
        raise ValueError(f"`{name}` has shape {array.shape}; expected samples along the first axis")
    if shape is not None and array.shape[1:] != shape:
        if (*array.shape[1:], 1) == shape:
            array = array[..., None]
        elif array.shape[1:] == (*shape, 1):
            array = array[..., 0]
        else:
            hint = f"; one sample needs a batch axis: {name}[None]" if array.shape == shape else ""
            raise ValueError(
                f"`{name}` has shape {array.shape}, but the model expects {(None, *shape)}{hint}"
            )
    if array.dtype in _TAKEN_AS_THEY_ARE and array.flags.c_contiguous and array.flags.aligned:
        return array
    return np.require(array, np.float32, ["C", "A"])


def as_labels(name: str, y: Any, output_shape: tuple[int, ...], classes: int) -> I32:
    """Class numbers as int32, one for each place of the output but its last axis."""
    array = _real_array(name, y)
    shape = output_shape[:-1]
    if array.ndim == len(shape) + 2 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.shape[1:] != shape or array.ndim == 0:
        hint = (
            "; for one-hot labels use the loss 'categorical_crossentropy'"
            if array.shape[1:] == output_shape
            else ""
        )
        raise ValueError(
            f"`{name}` has shape {array.shape}, but sparse_categorical_crossentropy expects class numbers "
            f"of shape {(None, *shape)}{hint}"
        )
    if array.dtype.kind == "f":
        check_finite(name, array)
        if (array != np.floor(array)).any():
            raise ValueError(
                f"`{name}` has values that are no class numbers, for instance {_first_fraction(array)!r}"
            )
    if array.size:
        low, high = array.min(), array.max()
        if low < 0 or high >= min(classes, _INT32.max):
            raise ValueError(
                f"`{name}` has labels from {int(low)} to {int(high)}; "
                f"expected 0 to {classes - 1}, as the output has {classes} classes"
            )
    return (
        np.require(array, np.int32, ["C", "A"])
        if array.dtype.kind != "f"
        else array.astype(np.int32, order="C")
    )


def as_targets(name: str, y: Any, output_shape: tuple[int, ...]) -> F32:
    """Targets of the output's shape as float32; a last axis of length one may be missing or too many."""
    array = _real_array(name, y)
    if array.shape[1:] != output_shape or array.ndim == 0:
        if array.ndim and (*array.shape[1:], 1) == output_shape:
            array = array[..., None]
        elif array.ndim and array.shape[1:] == (*output_shape, 1):
            array = array[..., 0]
        else:
            numbers = array.ndim == len(output_shape) or array.shape[1:] == (*output_shape[:-1], 1)
            hint = "; class numbers need the loss 'sparse_categorical_crossentropy', or utils.to_categorical"
            raise ValueError(
                f"`{name}` has shape {array.shape}, but the model's output has shape {(None, *output_shape)}"
                f"{hint if numbers and output_shape[-1:] != (1,) else ''}"
            )
    check_finite(name, array)
    return np.require(array, np.float32, ["C", "A"])


def as_weights(name: str, weight: Any, samples: int) -> F32:
    """One finite weight for each sample, as float32."""
    array = _real_array(name, weight)
    if array.shape == (samples, 1):
        array = array[:, 0]
    if array.shape != (samples,):
        raise ValueError(
            f"`{name}` has shape {array.shape}; expected ({samples},), one weight for each sample"
        )
    check_finite(name, array)
    return np.require(array, np.float32, ["C", "A"])


def _real_array(name: str, value: Any) -> NDArray[Any]:
    try:
        array = np.asarray(value if type(value) is np.ndarray else as_array(name, value))
    except ValueError as error:
        raise ValueError(f"`{name}` is not an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` is a {type(value).__name__} of dtype {array.dtype}; expected real numbers")
    return array


def check_finite(name: str, array: NDArray[Any]) -> None:
    """ValueError where an array of floats has NaN or infinite values."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        what = "NaN" if np.isnan(array).any() else "infinite values"
        raise ValueError(f"`{name}` has {what}; expected finite numbers")


def _first_fraction(array: NDArray[Any]) -> float:
    return float(array[array != np.floor(array)][0])
