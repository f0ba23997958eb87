"""Calls of functions and layers on Tensors: recorded inside a tape, computed outside of any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core import folding, tree
from pycnn.core.arrays import as_samples
from pycnn.core.function import is_tracing
from pycnn.core.operations import batching
from pycnn.core.rows import Rows
from pycnn.core.symbolic import KerasTensor, as_symbol
from pycnn.core.tensor import Placeholder, Recorder, Tensor, recorders, was_assigned
from pycnn.core.variable import Variable, new_values

if TYPE_CHECKING:
    from pycnn.core.layer import Layer
    from pycnn.core.operations.base import Function

# Functions whose second operand is a matrix for all samples where it has two axes.
_OF_MATRICES = ("matmul", "dot", "tensordot", "einsum")
# Functions of samples and of weights that are the same for all.
_FIRST_HAS_SAMPLES = (*_OF_MATRICES, "conv", "depthwise_conv", "separable_conv", "take")
# Functions whose first operand belongs to the samples of the second one, though it has fewer axes.
_OF_LABELS = ("sparse_categorical_crossentropy",)


def is_recording() -> bool:
    """Whether a tape records; not while a `call` is traced."""
    return bool(recorders.get()) and not is_tracing()


def is_taped() -> bool:
    """Whether a tape records, also while a `call` is traced for it."""
    return bool(recorders.get())


def watched(x: Any) -> Tensor | None:
    """The Tensor of an array that a tape watches."""
    for tape in recorders.get():
        if (found := tape.find(x)) is not None:
            return found
    return None


def takes(leaves: Sequence[Any]) -> bool:
    """Whether a function of these operands is to be called with `call_function`."""
    if is_tracing():
        return False
    if any(isinstance(leaf, Tensor) for leaf in leaves):
        return True
    return bool(recorders.get()) and any(
        isinstance(leaf, Variable) or (isinstance(leaf, np.ndarray) and watched(leaf) is not None)
        for leaf in leaves
    )


def as_known(structure: Any) -> Any:
    """The same with arrays in the place of Tensors."""
    return tree.transformed(lambda x: x.value if isinstance(x, Tensor) else x, structure)


def _gradients_in(leaves: Sequence[Any]) -> frozenset[Recorder]:
    return frozenset().union(*(leaf.passed for leaf in leaves if isinstance(leaf, Tensor)))


# --- functions ----------------------------------------------------------------------------------------------
def call_function(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """A function of `keras.ops` on operands of which `takes` is true."""
    attributes = {name: _plain(value) for name, value in attributes.items()}
    operands = [_with_arrays(operand) for operand in operands]
    leaves = tree.flatten(operands)
    if not (recorders.get() and any(has_past(leaf) for leaf in leaves)):
        passed = _gradients_in(leaves)
        known = tree.transformed(lambda x: x.numpy() if isinstance(x, Variable) else x, as_known(operands))
        return tree.transformed(lambda x: Tensor(x, passed=passed), function.on_arrays(known, attributes))
    for tape in recorders.get():
        tape.accessed([leaf for leaf in leaves if isinstance(leaf, Variable)])
    rank, samples = _batch(function.name, leaves)
    if samples is None:
        return _on_whole(function, operands, attributes)
    found = iter(
        [_symbol(leaf, _is_batched(function.name, i, leaf, rank, samples)) for i, leaf in enumerate(leaves)]
    )
    symbols = tree.transformed(lambda _: next(found), operands)
    try:
        result = function.on_symbols(symbols, _with_batch(attributes, samples))
    except batching.MixesSamplesError:
        return _on_whole(function, operands, attributes)
    return _wrapped(result, samples)


def _on_whole(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """A function that may mix the samples of a batch: its operands are arrays with an axis of them."""
    symbols = tree.transformed(lambda x: _symbol(folding.folded(x), False), operands)
    return _wrapped(function.on_symbols(symbols, attributes), None, _batch_of(tree.flatten(operands)))


def _with_arrays(operand: Any) -> Any:
    """An operand with Tensors for arrays that are watched, and arrays for nested lists of numbers."""
    if isinstance(operand, (list, tuple)) and not any(
        isinstance(x, (Tensor, Variable, np.ndarray)) for x in tree.flatten(operand)
    ):
        return as_numbers(operand)
    return tree.transformed(_watched_or_same, operand)


def _with_samples(x: Any) -> Any:
    """An array as the Tensor that a tape watches it as; a variable's values as samples of a tape."""
    if not isinstance(x, Variable) or x.ndim < 2:
        return _watched_or_same(x)
    samples = Tensor(x.numpy())
    for tape in recorders.get():
        tape.called_on(x, samples)
    return samples


def _watched_or_same(x: Any) -> Any:
    found = watched(x) if isinstance(x, np.ndarray) else None
    return x if found is None else found


def has_past(leaf: Any) -> bool:
    """Whether a gradient may go through an operand."""
    if isinstance(leaf, Tensor):
        return leaf.is_recorded or any(tape.find(leaf) is not None for tape in recorders.get())
    return isinstance(leaf, Variable)


def _plain(value: Any) -> Any:
    """An attribute without Tensors."""
    if isinstance(value, Tensor):
        array = value.value
        return array.item() if array.ndim == 0 else array
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return value


def _with_batch(attributes: dict[str, Any], samples: int | None) -> dict[str, Any]:
    """Shapes that begin with the number of samples begin with None."""
    for name in ("newshape", "shape"):
        shape = attributes.get(name)
        if samples is not None and isinstance(shape, (list, tuple)) and shape and shape[0] == samples:
            attributes = attributes | {name: (None, *shape[1:])}
    return attributes


def _batch(name: str, leaves: Sequence[Any]) -> tuple[int, int | None]:
    """The most axes that an operand has, and the number of samples; None where there is no batch."""
    arrays = [x for x in leaves if isinstance(x, (Tensor, np.ndarray))]
    rank = max((x.ndim for x in arrays), default=0)
    recorded = {
        x.samples for x in arrays if isinstance(x, Tensor) and x.is_recorded and x.samples is not None
    }
    if len(recorded) > 1:
        raise ValueError(
            f"One recording has one number of samples, but operands have {sorted(recorded)}; call the model "
            f"on one batch, or use a tape for each"
        )
    if recorded:
        return rank, recorded.pop()
    fixed = [x for x in leaves if isinstance(x, Variable) or (isinstance(x, Tensor) and x.is_recorded)]
    if name not in _FIRST_HAS_SAMPLES and any(x.ndim >= rank for x in fixed):
        return rank, None
    widest = next((x for x in arrays if x.ndim == rank), None)
    if widest is None or rank < 2 or _batch_of(leaves) not in (None, len(widest)):
        return rank, None
    return rank, len(widest)


def _is_batched(name: str, place: int, x: Any, rank: int, samples: int | None) -> bool:
    """Whether the first axis of an array among operands is that of the samples."""
    if samples is None or not isinstance(x, (Tensor, np.ndarray)) or x.ndim == 0 or len(x) != samples:
        return False
    if name in _FIRST_HAS_SAMPLES:
        return place == 0 or (name in _OF_MATRICES and x.ndim > 2)
    return x.ndim == rank or name in _OF_LABELS


def _symbol(x: Any, batched: bool) -> Any:
    """The symbol of an operand; numbers as they are."""
    if isinstance(x, Tensor):
        return x.symbol if x.is_recorded else x.form(batched)
    if isinstance(x, Variable):
        return _reading(x)
    if isinstance(x, (list, np.ndarray)) and np.ndim(x):
        return Placeholder(as_numbers(x), batched)
    return x


def _reading(variable: Variable) -> Any:
    """The symbol as which a function reads a variable: what has been assigned, without its past."""
    if not was_assigned(variable):
        return as_symbol(variable)
    from pycnn.core.operations.gradients import stop_gradient

    new, old = stop_gradient(_value_of(variable)), as_symbol(variable)
    return new + (old - stop_gradient(old)) if variable.trainable else new


def _value_of(variable: Variable, samples: int | None = None) -> KerasTensor:
    """A symbol of a variable's value now.

    Args:
        variable: that may wait for a new value.
        samples: of the call that reads it; None for a function.
    """
    new: Tensor | None = new_values.get(variable)
    if new is not None and new.symbol is not None and new.is_recorded:
        others = samples is not None and new.batch not in (None, samples)  # one recording has one batch
        if not others:
            return new.symbol
    return Placeholder(variable.numpy(), False)


def as_numbers(x: Any) -> Any:
    """An array of real numbers; booleans as 0 and 1."""
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{x!r:.200} is neither a Tensor nor numbers")
    return array.astype(np.float32) if array.dtype.kind == "b" else array


def _wrapped(result: Any, samples: int | None, batch: int | None = None) -> Any:
    """Tensors of the symbols that a call returned."""
    batch = samples if batch is None else batch

    def tensor(x: Any) -> Any:
        if isinstance(x, Rows):
            return _all_rows(tensor(x.whole), x.at)
        return Tensor(symbol=x, samples=samples if x.is_batched else None, batch=batch)

    return tree.transformed(tensor, result)


def _all_rows(x: Tensor, at: int) -> Any:
    """The rows of all samples as one axis, of what has them by samples."""
    from pycnn.core.operations.shapes import moveaxis, reshape

    moved = moveaxis(x, at + 1, 1)
    return moveaxis(reshape(moved, (-1, *moved.shape[2:])), 0, at)


def _batch_of(leaves: Sequence[Any]) -> int | None:
    """The size of the batch that operands are computed from."""
    sizes = (x.batch for x in leaves if isinstance(x, Tensor) and x.is_recorded)
    return next((size for size in sizes if size is not None), None)


def beside(x: Any, y: Tensor) -> Any:
    """Numbers that belong to the samples of a Tensor, as a Tensor with as many."""
    if isinstance(x, (Tensor, KerasTensor)) or x is None:
        return x
    array = as_numbers(x)
    if not y.is_recorded or y.samples is None or array.ndim == 0:
        return Tensor(array)
    if len(array) != y.samples:
        raise ValueError(f"There are {len(array)} targets or weights, but {y.samples} predictions")
    return Tensor(symbol=Placeholder(array, True), samples=y.samples)


def picked(x: Tensor, key: Any) -> Any:
    """x[key]; one sample of a batch is a sum over all, of which the others are 0."""
    keys = key if isinstance(key, tuple) else (key,)
    first: Any = _plain(keys[0]) if keys else None
    from pycnn.core.operations.arithmetic import where
    from pycnn.core.operations.reductions import sum as sum_over
    from pycnn.core.operations.selection import get_item

    if (
        not isinstance(first, (int, np.integer))
        or isinstance(first, bool)
        or x.samples is None
        or not x.is_recorded
    ):
        return get_item(x, key)
    if not -x.samples <= first < x.samples:
        raise IndexError(f"there is no sample {first} among {x.samples}")
    mask = np.zeros((x.samples,) + (1,) * (x.ndim - 1), np.float32)
    mask[first] = 1.0
    sample = sum_over(where(mask, x, 0.0), axis=0)
    return get_item(sample, keys[1:]) if len(keys) > 1 else sample


# --- layers -------------------------------------------------------------------------------------------------
def call_layer(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A layer or model on arrays and Tensors, inside a tape."""
    args = tree.transformed(_with_samples, args)
    if any(isinstance(x, Tensor) for x in tree.flatten(args)):
        args = tree.transformed(_as_leaf, args)
    else:
        args = layer.as_inputs(args)
    kwargs = {name: _as_leaf(value) for name, value in kwargs.items()}
    sizes: set[Any] = {
        len(x)
        for x in tree.flatten((args, kwargs))
        if isinstance(x, (Tensor, np.ndarray)) and x.ndim and not _is_for_all(x)
    }
    if not sizes:  # what has no axis of the samples for the tape has it for the layer
        args = tree.transformed(folding.unfolded, args)
        sizes = {x.samples for x in tree.flatten(args) if isinstance(x, Tensor) and x.samples is not None}
    if len(sizes) > 1:
        raise ValueError(f"Layer {layer.name!r} was given different numbers of samples: {sorted(sizes)}")
    samples = sizes.pop() if sizes else None

    def symbol(x: Any) -> Any:
        return _symbol(x, x.ndim > 0) if isinstance(x, (Tensor, np.ndarray)) else x

    symbols = tree.transformed(symbol, args)
    training = _plain(kwargs.pop("training", None))
    options = tree.transformed(symbol, kwargs) | {"training": bool(training)}

    result, losses, values = layer.recorded_call_with_effects(
        symbols, options, lambda variable: _value_of(variable, samples)
    )
    for tape in recorders.get():
        tape.accessed(layer.trainable_weights)
        for variable, _ in values:
            if variable not in tape.assigned:
                tape.assigned[variable] = variable.initialized().value.copy()
    layer.note_losses([(owner, _wrapped(loss, samples)) for owner, loss in losses])
    new_values.update({variable: _wrapped(value, samples) for variable, value in values})
    return _wrapped(result, samples)


def _is_for_all(x: Any) -> bool:
    """Whether it has been recorded without an axis of the samples."""
    return isinstance(x, Tensor) and x.is_recorded and x.samples is None


def _as_leaf(x: Any) -> Any:
    """A Tensor, watched where its array is; samples for an array."""
    if isinstance(x, np.ndarray):
        found = watched(x)
        return as_samples("x", x) if found is None else found
    return x


def total(x: Tensor) -> Any:
    """The sum of all values."""
    from pycnn.core.operations.reductions import sum as sum_over

    return sum_over(x) if x.ndim else x
