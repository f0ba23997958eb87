"""Products of rows of all samples with each other, which sum over all rows, and with other arrays."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.operations.batching import axis_of
from pycnn.core.operations.row_forms import apply, end_of, made, of_rank, refused, shape_of
from pycnn.core.rows import Rows

if TYPE_CHECKING:
    from pycnn.core.operations.base import Function


def multiplied(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """Matrices as einsum where rows are summed over or are an axis of one matrix, else by samples."""
    one, two = (shape_of(x) for x in operands)
    if not one or not two:
        raise ValueError(f"{function.name}: shapes are {one} and {two}; expected at least one axis")
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    m, inner, n = (next(letters) for _ in range(3))
    leading = [next(letters) for _ in range(max(len(one), len(two), 2) - 2)]
    heads = [leading[len(leading) - max(len(shape) - 2, 0) :] for shape in (one, two)]
    left = "".join(heads[0]) + (m if len(one) > 1 else "") + inner
    right = "".join(heads[1]) + inner + (n if len(two) > 1 else "")
    output = "".join(leading) + (m if len(one) > 1 else "") + (n if len(two) > 1 else "")
    terms = [left, right]
    letter = {term[x.at] for x, term in zip(operands, terms, strict=True) if isinstance(x, Rows)}
    if len(letter) == 1 and not letter & {m, inner, n}:  # leading axes, which may broadcast
        end = end_of(function.name, operands)
        rank = len(output)
        wholes = [of_rank(x, rank) for x in operands]
        return made(function.on_symbols(wholes, attributes), rank - end)
    wholes = [x.whole if isinstance(x, Rows) else x for x in operands]
    both = all(isinstance(x, Rows) for x in operands)
    if len(letter) == 1 and not both and letter != {inner} and len(right if m in letter else left) <= 2:
        at = output.index(letter.pop())
        return made(function.on_symbols(wholes, attributes), at)
    return _contracted(function.name, operands, terms, output)


def _contracted(name: str, operands: Sequence[Any], terms: Sequence[str], output: str) -> Any:
    """einsum: rows are an axis of the result, or all are summed over."""
    rows = [(x, term[x.at]) for x, term in zip(operands, terms, strict=True) if isinstance(x, Rows)]
    letter = rows[0][1]
    others = [term for x, term in zip(operands, terms, strict=True) if not isinstance(x, Rows)]
    if any(found != letter for _, found in rows) or any(letter in term for term in others):
        shapes = " and ".join(str(shape_of(x)) for x in operands)
        raise refused(name, rows[0][0], f"shapes {shapes} make products of rows with other rows")
    batch = next(c for c in map(chr, itertools.count(ord("A"))) if c not in "".join(terms))
    given = ",".join(batch + t if isinstance(x, Rows) else t for x, t in zip(operands, terms, strict=True))
    wholes = [x.whole if isinstance(x, Rows) else x for x in operands]
    if letter not in output:
        return apply("einsum", wholes, subscripts=f"{given}->{output}")
    y = apply("einsum", wholes, subscripts=f"{given}->{batch}{output}")
    return made(y, output.index(letter))


def einsum(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    (given,), text = operands, attributes["subscripts"].replace(" ", "")
    left, arrow, output = text.partition("->")
    terms = left.split(",")
    if not arrow:
        output = "".join(sorted(c for c in set(left) if c != "," and left.count(c) == 1))
    shapes = [shape_of(x) for x in given]
    if "." in text or [len(term) for term in terms] != [len(shape) for shape in shapes]:
        raise ValueError(f"einsum: subscripts {text!r} do not fit shapes {shapes}; expected letters alone")
    return _contracted("einsum", given, terms, output)


def tensordot(function: Function, operands: list[Any], attributes: dict[str, Any]) -> Any:
    axes = attributes["axes"]
    ranks = [len(shape_of(x)) for x in operands]
    if isinstance(axes, (int, np.integer)):
        places: list[Any] = [range(ranks[0] - int(axes), ranks[0]), range(int(axes))]
    else:
        places = [a if isinstance(a, (tuple, list)) else (a,) for a in axes]
    letters = map(chr, itertools.count(ord("a")))
    one, two = ([next(letters) for _ in range(rank)] for rank in ranks)
    for a, b in zip(*places, strict=True):
        two[axis_of("tensordot", b, ranks[1])] = one[axis_of("tensordot", a, ranks[0])]
    output = [c for c in [*one, *two] if not (c in one and c in two)]
    return _contracted("tensordot", operands, ["".join(one), "".join(two)], "".join(output))
