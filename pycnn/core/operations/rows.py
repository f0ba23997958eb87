"""Functions of rows of all samples, which `reshape(x, (-1, d))` of a symbol with a batch axis makes.

Functions of each row by itself compute with the same values by samples, which have an axis more; sums over
all rows go over that axis and over the batch. What would mix rows otherwise is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core import tree
from pycnn.core.operations import row_products
from pycnn.core.operations.batching import MixesSamplesError, axes_of, axis_of
from pycnn.core.operations.probe import is_of_samples
from pycnn.core.operations.row_forms import (
    apply,
    end_of,
    made,
    of_rank,
    refused,
    rows_in,
    shape_of,
    whole_axis,
)
from pycnn.core.rows import RowCount, Rows, plain_sizes
from pycnn.core.symbolic import KerasTensor

if TYPE_CHECKING:
    from pycnn.core.operations.base import Function

    Rule = Callable[[Function, list[Any], dict[str, Any]], Any]

# Modules of functions of each value by itself, and further functions.
_BY_VALUE = (
    "arithmetic", "comparisons", "composed", "elementwise", "_activation_gated", "_activation_piecewise",
    "_activation_smooth",
)  # fmt: skip
_ALSO_BY_VALUE = (
    "binary_crossentropy", "cast", "celu", "full_like", "hard_shrink", "hard_tanh", "log_sigmoid", "relu6",
    "soft_shrink", "sparse_plus", "sparse_sigmoid", "squareplus", "stop_gradient", "tanh_shrink", "threshold",
)  # fmt: skip
# Functions that are made of others.
_COMPOSED = (
    "average", "batch_normalization", "categorical_crossentropy", "count_nonzero", "dot",
    "layer_normalization", "logsumexp", "moveaxis", "norm", "normalize", "rms_normalization",
    "sparse_categorical_crossentropy", "std", "swapaxes", "trace", "var",
)  # fmt: skip
# Functions that move the batch axis of a symbol or join it with others.
MOVING = ("moveaxis", "reshape", "swapaxes", "transpose")


def call(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """A function of operands of which at least one is a symbol of rows, or has a batch axis that moves.

    Raises:
        MixesSamplesError: if rows would meet other rows.
        ValueError: if the operands do not fit.
    """
    given = function.each(_as_rows, operands)
    rows = rows_in(given)
    if len({x.count for x in rows}) > 1:
        shapes = " and ".join(f"{x.shape} of {x.count} rows of each sample" for x in rows)
        raise MixesSamplesError(
            f"{function.name}: {shapes} do not fit together; reshape each to (-1, ...) with as many rows"
        )
    if function.name in _COMPOSED:
        return function.body(*function.each(lambda x: _named(function.name, x), given), **attributes)
    module = function.body.__module__.rpartition(".")[2]
    by_value = not function.several and (module in _BY_VALUE or function.name in _ALSO_BY_VALUE)
    rule = _by_value if by_value else _RULES.get(function.name, _by_row)
    try:
        return rule(function, given, attributes)
    except MixesSamplesError:
        raise
    except ValueError as error:
        shapes = " and ".join(f"{x.shape} of {x.count} rows of each sample" for x in rows)
        raise ValueError(f"{error}; there are rows of all samples: {shapes}") from None


def _as_rows(x: Any) -> Any:
    """A symbol with a batch axis as one of one row of each sample."""
    if not isinstance(x, KerasTensor) or isinstance(x, Rows) or not x.is_batched:
        return x
    return Rows(apply("expand_dims", x, axis=1))


def _named(name: str, x: Any) -> Any:
    """An operand of a function that is made of others, with the function's name for messages."""
    if isinstance(x, Rows):
        return Rows(x.whole, x.at, name)
    return x if x is None or hasattr(x, "shape") else np.asarray(x)


# --- rules --------------------------------------------------------------------------------------------------
def _by_value(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """Operands that broadcast."""
    end = end_of(function.name, operands)
    rank = max(len(shape_of(x)) for x in operands)
    return made(function.on_symbols([of_rank(x, rank) for x in operands], attributes), rank - end)


def _by_row(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """A function of samples, which each row is."""
    for x in rows_in(operands):
        if x.at != 0:
            raise refused(function.name, x, "the axis of the rows is not the first one")
    return each(function.name, lambda given: function.on_symbols(given, attributes), operands)


def each(name: str, function: Callable[[Any], Any], arguments: Any) -> Any:
    """A function of samples on one row after the other.

    Args:
        name: of the function, for messages.
        function: of symbols, in the structure of the arguments.
        arguments: with rows among them, on the first axis.

    Raises:
        MixesSamplesError: if it does more than compute each sample by itself.
    """
    rows = rows_in([arguments])
    symbols = [x for x in tree.flatten(arguments) if isinstance(x, KerasTensor)]
    others = [x for x in symbols if not isinstance(x, Rows) and not x.is_leaf]
    results = []
    for i in range(rows[0].count):
        parts = {x: apply("get_item", x.whole, key=(slice(None), i)) for x in rows}
        given = tree.transformed(lambda x, parts=parts: parts[x] if isinstance(x, Rows) else x, arguments)  # type: ignore[misc]
        results.append(function(given))
        if i == 0 and not is_of_samples([*parts.values(), *others], tree.flatten(results)):
            raise MixesSamplesError(
                f"{name} was called on {rows[0]!r}. It takes the rows one after the other, but needs all at "
                f"once, for a sum over axis 0, statistics, assignments or added losses: call what it is made "
                f"of on the rows, in the `call` of a layer of your own"
            )
    leaves = zip(*(tree.flatten(result) for result in results), strict=True)
    return tree.packed(results[0], [made(apply("stack", list(parts), axis=1), 0) for parts in leaves])


def _reduced(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,) = operands
    axes = axes_of(function.name, attributes["axis"], x.ndim)
    inner, keepdims = tuple(axis + 1 for axis in axes), attributes["keepdims"]
    if x.at in axes:
        y = function.on_symbols([x.whole], attributes | {"axis": (0, *inner)})
        return apply("squeeze", y, axis=0) if keepdims else y
    y = function.on_symbols([x.whole], attributes | {"axis": inner})
    return made(y, x.at if keepdims else x.at - sum(axis < x.at for axis in axes))


def _place(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,) = operands
    if attributes["axis"] is None:
        raise refused(function.name, x, "expected an axis")
    axis = whole_axis(function.name, attributes["axis"], x)
    y = function.on_symbols([x.whole], attributes | {"axis": axis})
    return made(y, x.at - (axis <= x.at and not attributes["keepdims"]))


def _along(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """Functions along an axis, or several, that stay."""
    x, axis = operands[0], attributes["axis"]
    if axis is None:
        raise refused(function.name, x, "expected an axis")
    several = isinstance(axis, (tuple, list))
    found = tuple(whole_axis(function.name, a, x) for a in (axis if several else (axis,)))
    y = function.on_symbols([x.whole], attributes | {"axis": found if several else found[0]})
    return tree.transformed(lambda part: made(part, x.at), y)


def _of_matrices(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,) = operands
    if x.at >= x.ndim - 2:
        raise refused(function.name, x, "rows of all samples would be those of the matrix")
    return made(function.on_symbols([x.whole], attributes), x.at)


def _reshaped(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,), given = operands, attributes["newshape"]
    shape = tuple(given) if isinstance(given, (tuple, list, np.ndarray)) else (given,)
    if x.at != 0 or not shape or shape[0] not in (None, -1):
        raise refused(function.name, x, f"newshape is {shape}; expected -1 or None first, for the rows")
    total, sizes = math.prod(x.whole.sample_shape), list(shape[1:])
    if -1 in sizes and shape[0] is None:
        raise MixesSamplesError(
            f"{function.name}: newshape is {shape} for {x.shape}: None may be the number of samples or of "
            f"rows; give the size in the place of -1, or the first one as keras.ops.shape of the rows says it"
        )
    known = math.prod(size or 0 for size in sizes)
    if any(size is None or size < 1 for size in sizes) or total % known:
        raise MixesSamplesError(
            f"{function.name}: this would mix the samples of a batch: {x.shape} of {total} values of each "
            f"sample to {shape}; expected sizes after the first one whose product divides them"
        )
    return made(apply("reshape", x.whole, newshape=(-1, total // known, *sizes)), 0)


def with_count(x: Any, shape: Any) -> Any:
    """A shape for a symbol with -1 for the number of samples or rows, as `keras.ops.shape` says it."""
    shape = shape if isinstance(x, KerasTensor) else plain_sizes(shape)
    if not isinstance(shape, (tuple, list)) or not any(isinstance(size, RowCount) for size in shape):
        return shape
    count, *sizes = shape
    if not isinstance(count, RowCount) or any(size is None or isinstance(size, RowCount) for size in sizes):
        raise MixesSamplesError(
            f"reshape: newshape is {tuple(shape)}; expected the number of rows, then sizes"
        )
    if not isinstance(x, KerasTensor) or not (isinstance(x, Rows) or x.is_batched):
        raise MixesSamplesError(
            f"reshape: newshape is {tuple(shape)}, but x of shape {shape_of(x)} has no samples"
        )
    total = math.prod(x.whole.sample_shape if isinstance(x, Rows) else x.sample_shape)
    known = count.of_sample * math.prod(size for size in sizes if size != -1)
    if known < 1 or total % known or sizes.count(-1) > 1 or (-1 not in sizes and total != known):
        raise MixesSamplesError(f"reshape: cannot reshape {x!r} to {tuple(shape)}")
    return (-1, *(total // known if size == -1 else size for size in sizes))


def _transposed(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,), axes = operands, attributes["axes"]
    given = tuple(range(x.ndim - 1, -1, -1) if axes is None else axes)
    order = [axis_of(function.name, axis, x.ndim) for axis in given]
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"{function.name}: axes are {given}; expected each of the {x.ndim} axes once")
    y = function.on_symbols([x.whole], {"axes": (0, *(axis + 1 for axis in order))})
    return made(y, order.index(x.at))


def _expanded(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,), axis = operands, attributes["axis"]
    rank = x.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    axes = axes_of(function.name, axis, rank)
    at = [place for place in range(rank) if place not in axes][x.at]
    return made(function.on_symbols([x.whole], {"axis": tuple(place + 1 for place in axes)}), at)


def _squeezed(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,), axis = operands, attributes["axis"]
    if axis is None:
        axes = tuple(place for place, size in enumerate(x.shape) if size == 1)
    else:
        axes = axes_of(function.name, axis, x.ndim)
    found = tuple(whole_axis(function.name, place, x) for place in axes)
    y = function.on_symbols([x.whole], {"axis": found}) if found else x.whole
    return made(y, x.at - sum(place < x.at for place in axes))


def _selected(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    from pycnn.core.operations.selection import completed

    (x,) = operands
    keys = completed(function.name, attributes["key"], x.shape)
    axis = at = 0
    for key in keys:
        if key is None:
            at += axis <= x.at
            continue
        if axis == x.at and not (
            isinstance(key, slice) and key in (slice(None), slice(0, None), slice(0, None, 1))
        ):
            raise refused(function.name, x, "rows would be selected")
        if axis < x.at:
            at += 1 if isinstance(key, slice) else np.ndim(key)
        axis += 1
    return made(function.on_symbols([x.whole], {"key": (slice(None), *keys)}), at)


def _joined_along(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (parts,), axis = operands, attributes["axis"]
    first = rows_in(parts)[0]
    if any(not isinstance(x, Rows) or (x.at, x.ndim) != (first.at, first.ndim) for x in parts):
        shapes = " and ".join(str(shape_of(x)) for x in parts)
        raise refused(function.name, first, f"shapes {shapes} do not fit together")
    wholes = [x.whole for x in parts]
    if function.name == "concatenate":
        y = function.on_symbols([wholes], {"axis": whole_axis(function.name, axis, first)})
        return made(y, first.at)
    place = axis_of(function.name, axis, first.ndim + 1)
    return made(function.on_symbols([wholes], {"axis": place + 1}), first.at + (place <= first.at))


def _tiled(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,), repeats = operands, attributes["repeats"]
    times = tuple(repeats) if isinstance(repeats, (tuple, list)) else (repeats,)
    times = (1,) * (x.ndim - len(times)) + times
    at = x.at + len(times) - x.ndim
    if times[at] != 1:
        raise refused(function.name, x, f"repeats are {times}; expected 1 for rows of all samples")
    return made(function.on_symbols([of_rank(x, len(times))], {"repeats": (1, *times)}), at)


def _broadcasted(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,), shape = operands, tuple(attributes["shape"])
    at = x.at + len(shape) - x.ndim
    if at < x.at or not (shape[at] in (None, -1) or isinstance(shape[at], RowCount)):
        raise refused(function.name, x, f"shape is {shape}; expected None for rows of all samples")
    sizes = (*shape[:at], x.count, *shape[at + 1 :])
    return made(function.on_symbols([of_rank(x, len(shape))], {"shape": (None, *sizes)}), at)


def _padded(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,), given = operands, attributes["pad_width"]
    widths = np.broadcast_to(np.asarray(given), (x.ndim, 2)).tolist()
    if any(widths[x.at]):
        raise refused(function.name, x, f"pad_width is {given}; expected (0, 0) for rows of all samples")
    return made(function.on_symbols([x.whole], attributes | {"pad_width": [(0, 0), *widths]}), x.at)


def _one_hot(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (x,) = operands
    place = axis_of(function.name, attributes["axis"], x.ndim + 1)
    y = function.on_symbols([x.whole], attributes | {"axis": place + 1})
    return made(y, x.at + (place <= x.at))


def _taken(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    x, indices = operands
    axis = attributes["axis"]
    first = rows_in(operands)[0]
    if axis is None or (isinstance(x, Rows) and isinstance(indices, Rows)):
        raise refused(function.name, first, "expected an axis, and rows alone or places alone")
    if isinstance(x, Rows):
        place = whole_axis(function.name, axis, x)
        y = function.on_symbols([x.whole, indices], {"axis": place})
        return made(y, x.at + (len(shape_of(indices)) - 1 if place <= x.at else 0))
    place = axis_of(function.name, axis, len(shape_of(x)))
    return made(function.on_symbols([x, indices.whole], {"axis": place}), place + indices.at)


def _taken_along(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    x, indices = operands
    first = rows_in(operands)[0]
    fits = isinstance(x, Rows) and isinstance(indices, Rows) and (x.at, x.ndim) == (indices.at, indices.ndim)
    if not fits or attributes["axis"] is None:
        raise refused(function.name, first, "expected an axis, and an index for each row")
    place = whole_axis(function.name, attributes["axis"], first)
    return made(function.on_symbols([x.whole, indices.whole], {"axis": place}), first.at)


def _none(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    raise refused(function.name, rows_in(operands)[0], "it is not available for rows")


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("all", "any", "max", "mean", "min", "prod", "sum"), _reduced),
    **dict.fromkeys(("argmax", "argmin"), _place),
    **dict.fromkeys(
        ("cumsum", "flip", "glu", "log_softmax", "repeat", "roll", "softmax", "sparsemax", "split"), _along
    ),
    **dict.fromkeys(("tril", "triu"), _of_matrices),
    **dict.fromkeys(("concatenate", "stack"), _joined_along),
    "broadcast_to": _broadcasted,
    "einsum": row_products.einsum,
    "expand_dims": _expanded,
    "get_item": _selected,
    "gradient": _none,
    "matmul": row_products.multiplied,
    "one_hot": _one_hot,
    "pad": _padded,
    "reshape": _reshaped,
    "squeeze": _squeezed,
    "take": _taken,
    "take_along_axis": _taken_along,
    "tensordot": row_products.tensordot,
    "tile": _tiled,
    "transpose": _transposed,
}
