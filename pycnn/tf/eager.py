"""How functions of `tf` are those of `keras.ops`: other names of arguments, Tensors for arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from pycnn import ops
from pycnn.core import tree
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tensor import Tensor
from pycnn.core.variable import Variable


def as_tensor(x: Any) -> Any:
    """Arrays and numbers as Tensors; symbols as they are."""
    return tree.transformed(lambda leaf: leaf if isinstance(leaf, (KerasTensor, Tensor)) else Tensor(leaf), x)


def as_array(name: str, x: Any) -> Any:
    """What was given as a NumPy array: floats as float32, integers as TensorFlow's int32.

    Raises:
        TypeError: if it is a symbol of a model, or no real numbers.
    """
    if isinstance(x, KerasTensor):
        raise TypeError(
            f"tf.{name} computes with arrays, and {x!r} is a symbol of a model; use keras.layers or "
            f"keras.ops there"
        )
    array = np.asarray(x.value if isinstance(x, Tensor) else x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"tf.{name}: {x!r:.200} is no array of real numbers")
    return narrowed(array) if not hasattr(x, "dtype") else array


def narrowed(array: Any) -> Any:
    """What TensorFlow makes of Python's numbers: float32 and int32."""
    if array.dtype == np.float64:
        return array.astype(np.float32)
    return array.astype(np.int32) if array.dtype == np.int64 and _fits(array) else array


def _fits(array: Any) -> bool:
    limits = np.iinfo(np.int32)
    return bool(array.size == 0 or (array.min() >= limits.min and array.max() <= limits.max))


def translated(
    tf_name: str, ops_name: str, integers: str | None = None, first: tuple[str, ...] = (), **renamed: str
) -> Callable[..., Any]:
    """A function of `tf` that is one of `keras.ops`.

    Args:
        tf_name: name in TensorFlow.
        ops_name: name in `keras.ops`.
        integers: name of NumPy's function, for integers alone, whose results stay integers; None where they
            become floats.
        first: names of the first arguments in TensorFlow's order, where that differs.
        renamed: TensorFlow's names of arguments, and those of `keras.ops`.
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        kwargs.pop("name", None)
        kwargs = dict(zip(first, args, strict=False)) | kwargs if first else kwargs
        kwargs = {renamed.get(key, key): value for key, value in kwargs.items()}
        args = () if first else args
        if integers is not None and (whole := _integers((args, kwargs))) is not None:
            given, named = _for_numpy(*whole)
            return as_tensor(_kept(getattr(np, integers)(*given, **named), args, kwargs))
        return as_tensor(getattr(ops, ops_name)(*args, **kwargs))

    function.__name__ = function.__qualname__ = tf_name
    function.__doc__ = (
        f"TensorFlow's `tf.{tf_name}`: `keras.ops.{ops_name}`, with Tensors for arrays.\n\n"
        f"Args:\n    args: as in TensorFlow.\n    kwargs: the same; `name` has no effect."
    )
    return function


def _integers(structure: Any) -> Any:
    """The arguments with arrays for Tensors, where all arrays among them are of integers; else None."""
    leaves = [leaf for leaf in tree.flatten(structure) if leaf is not None and not isinstance(leaf, str)]
    for leaf in leaves:
        if isinstance(leaf, (KerasTensor, Variable)) or (isinstance(leaf, Tensor) and leaf.is_recorded):
            return None
        if np.asarray(leaf).dtype.kind not in "biu":
            return None
    return tree.transformed(lambda leaf: leaf.value if isinstance(leaf, Tensor) else leaf, structure)


def _for_numpy(args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The operand by its place, as its name is another one in NumPy."""
    operand = [value for name, value in kwargs.items() if name in ("x", "xs")]
    return (*operand, *args), {name: value for name, value in kwargs.items() if name not in ("x", "xs")}


def _kept(result: Any, args: Any, kwargs: Any) -> Any:
    """A result of integers in the type in which they came, int32 for Python's."""
    array = np.asarray(result)
    types = {leaf.dtype for leaf in tree.flatten((args, kwargs)) if hasattr(leaf, "dtype")}
    if array.dtype.kind in "iu" and len(types) == 1:
        return array.astype(np.dtype(str(types.pop())))
    return narrowed(array)


def quiet(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: arguments of TensorFlow that say nothing here are taken and left."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for name in names:
                kwargs.pop(name, None)
            return function(*args, **kwargs)

        return call

    return decorate
