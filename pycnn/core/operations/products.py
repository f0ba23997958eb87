"""Products of matrices, and contractions that are such products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import _core
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axis_of, beside, refuse_batch
from pycnn.core.operations.nodes import broadcasted, permuted, reshaped

if TYPE_CHECKING:
    from pycnn.core.arrays import F32
    from pycnn.core.operations.value import Value


def _array_matmul(x1: F32, x2: F32) -> Any:
    _check_inner(f"matmul: x1 has shape {x1.shape} and x2 {x2.shape}", x1.shape, x2.shape)
    return _core.matmul(x1, x2) if x1.ndim == 2 and x2.ndim == 2 else np.matmul(x1, x2)


def _check_inner(text: str, a: Sequence[int | None], b: Sequence[int | None]) -> None:
    if not a or not b or a[-1] != b[max(len(b) - 2, 0)]:
        raise ValueError(f"{text}; expected (..., m, k) and (..., k, n)")


@operation(2, arrays=_array_matmul)
def matmul(x1: Any, x2: Any) -> Any:
    """The product of matrices, which are the last two axes.

    Args:
        x1: a symbol or an array, (..., m, k); (k,) stands for one row.
        x2: a symbol or an array, (..., k, n); (k,) stands for one column. Leading axes broadcast.

    Returns:
        (..., m, n), without the axis of a vector: a symbol where an operand is one, else a float32 array.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if the shapes do not fit, or samples of a batch would meet each other.

    Source: Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008.

    >>> from pycnn import ops
    >>> ops.matmul([[1, 2]], [[3], [4]]).tolist()
    [[11.0]]
    """
    if x2.is_batched and x2.ndim < 3:
        raise refuse_batch(x2, "the product would go over it; x2 needs two axes besides")
    if x1.is_batched and x1.ndim == 1:
        raise refuse_batch(x1, "the product would go over it")
    _check_inner(f"{x1.name}: x1 has shape {x1.shape} and x2 {x2.shape}", x1.shape, x2.shape)
    row, column = x1.ndim == 1, x2.ndim == 1
    a = reshaped(x1, (1, *x1.sample)) if row else x1
    b = reshaped(x2, (*x2.sample, 1)) if column else x2
    y = _dense(a, b) if a.is_batched and not b.is_batched and b.ndim == 2 else _product(a, b)
    shape = list(y.sample)
    if column:
        del shape[-1]
    if row:
        del shape[-1 if column else -2]
    return reshaped(y, shape)


def _dense(x: Value, w: Value) -> Value:
    return x.then(x.graph.dense(x.node, w.node, name=x.name))


def _product(a: Value, b: Value, transpose_b: bool = False) -> Value:
    """The product of matrices of at least two axes, the batch axis left out where there is one."""
    rank = max(a.ndim, b.ndim)
    if a.is_batched and b.is_batched and a.ndim != b.ndim:
        shapes = f"{a.shape} and {b.shape}"
        raise ValueError(f"{a.name}: shapes {shapes} do not fit together, as their batch axes would not meet")
    batched = a if a.is_batched else b
    if batched.is_batched:
        if batched.ndim < rank or (a.is_batched and a.ndim == 2):
            raise refuse_batch(batched, f"it would meet another axis of {(b if batched is a else a).shape}")
        a, b = beside(a, batched), beside(b, batched)
    if (len(a.sample) > 2 and len(b.sample) > 2) or not {len(a.sample), len(b.sample)} & {2}:
        try:
            leading = np.broadcast_shapes(a.sample[:-2], b.sample[:-2])
        except ValueError:
            raise ValueError(f"{a.name}: leading axes of {a.shape} and {b.shape} do not broadcast") from None
        a, b = (broadcasted(x, (*leading, *x.sample[-2:])) for x in (a, b))
    return a.then(a.graph.matmul(a.node, b.node, transpose_b=transpose_b, name=a.name))


@operation(2, arrays=np.dot, numbers=True)
def dot(x1: Any, x2: Any) -> Any:
    """The product over the last axis of x1 and the last but one, or only, axis of x2.

    Args:
        x1: a symbol or an array of any shape, or a number.
        x2: likewise; where x1 has two axes or more, it has at most two.

    Returns:
        A symbol where an operand is one, else a float32 array or a number.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if the shapes do not fit, or x2 is a symbol of more than two axes: use matmul or
            tensordot.

    Source: numpy.dot.

    >>> from pycnn import ops
    >>> float(ops.dot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    from pycnn.core.operations.arithmetic import multiply

    if isinstance(x1, float) or isinstance(x2, float) or x1.ndim == 0 or x2.ndim == 0:
        return multiply(x1, x2)
    if x2.ndim > 2:
        raise ValueError(
            f"{x1.name}: x2 has shape {x2.shape}; expected at most two axes; use matmul or tensordot"
        )
    return matmul(x1, x2)


def _array_tensordot(x1: F32, x2: F32, axes: Any) -> Any:
    return np.tensordot(x1, x2, axes)


@operation(2, arrays=_array_tensordot)
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Sums of products over axes of both.

    Args:
        x1: a symbol or an array.
        x2: a symbol or an array. One of both may have a batch axis, which comes first in the result.
        axes: how many of the last axes of x1 and the first ones of x2, or those of both: ((1, 2), (0, 1)).

    Returns:
        The other axes of x1, then those of x2: a symbol where an operand is one, else a float32 array.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if sizes differ, or the batch axis would be summed over or come after other axes.

    Source: numpy.tensordot.

    >>> from pycnn import ops
    >>> ops.tensordot([[1, 2], [3, 4]], [1, 10], axes=1).tolist()
    [21.0, 43.0]
    """
    if isinstance(axes, (int, np.integer)):
        places: list[Any] = [range(x1.ndim - int(axes), x1.ndim), range(int(axes))]
    else:
        places = [a if isinstance(a, (tuple, list)) else (a,) for a in axes]
    one, two = (
        [axis_of(x.name, axis, x.ndim) for axis in given] for x, given in zip((x1, x2), places, strict=True)
    )
    if [x1.shape[a] for a in one] != [x2.shape[a] for a in two] or not one:
        raise ValueError(f"{x1.name}: cannot sum over axes {axes} of {x1.shape} and {x2.shape}")
    free_one = [a for a in range(x1.ndim) if a not in one]
    free_two = [a for a in range(x2.ndim) if a not in two]
    for x, summed in ((x1, one), (x2, two)):
        if x.is_batched and 0 in summed:
            raise refuse_batch(x, f"axes are {axes}, the batch axis cannot be summed over")
    if x2.is_batched and (x1.is_batched or free_one):
        raise refuse_batch(x2, "in the result it would come after the axes of x1; use matmul or einsum")
    shape = tuple(x1.shape[a] for a in free_one) + tuple(x2.shape[a] for a in free_two)
    depth = math.prod(int(x1.shape[a]) for a in one)
    a = _matrix(x1, free_one, one, depth, depth_last=True)
    b = _matrix(x2, free_two, two, depth, depth_last=False)
    if x2.is_batched:  # b is (batch, others, depth) like a would be
        y = _dense(_matrix(x2, free_two, two, depth, depth_last=True), reshaped(a, (depth, 1)))
    elif x1.is_batched:
        y = _dense(a, b)
    else:
        y = a.then(a.graph.matmul(a.node, b.node, name=a.name))
    return reshaped(y, shape[1:] if x1.is_batched or x2.is_batched else shape)


def _matrix(x: Value, free: list[int], summed: list[int], depth: int, depth_last: bool) -> Value:
    """x with its summed axes as one, last or first, and its others as one (none but the batch: left out)."""
    shift = 1 if x.is_batched else 0
    others = [axis - shift for axis in free if axis >= shift]
    order = [axis - shift for axis in summed]
    y = permuted(x, others + order if depth_last else order + others)
    size = math.prod(x.sample) // depth
    return reshaped(y, (size, depth) if depth_last else (depth, size))


def einsum(subscripts: str, *operands: Any) -> Any:
    """Sums of products by the names of axes, where they come to a product of matrices.

    Args:
        subscripts: such as 'bqd,bkd->bqk': a letter for each axis, those of the result after the arrow.
        operands: one or two symbols or arrays. A batch axis comes first in the result, or is summed over;
            for arrays alone everything that NumPy's function can do.

    Returns:
        A symbol where an operand is one, else a float32 array.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if the subscripts do not fit, or come to no product of matrices: a letter that comes twice
            in one operand, '...', more than two operands.

    Source: numpy.einsum.

    >>> from pycnn import ops
    >>> ops.einsum("ij,kj->ik", [[1, 2]], [[3, 4], [5, 6]]).tolist()
    [[11.0, 17.0]]
    """
    return _einsum(list(operands), subscripts)


def _array_einsum(operands: list[F32], subscripts: str) -> Any:
    return np.einsum(subscripts, *operands)


@operation(arrays=_array_einsum, several=True)
def _einsum(operands: Any, subscripts: str) -> Any:
    given, output = _terms(operands[0].name, subscripts, operands)
    letter = given[0][:1]
    if len(given) == 2 and all(x.is_batched for x in operands) and letter == given[1][0] not in output:
        from pycnn.core.operations.reductions import sum

        return sum(_product_of(operands, subscripts, given, letter + output), 0)
    return _product_of(operands, subscripts, given, output)


def _product_of(operands: Sequence[Value], subscripts: str, given: Sequence[str], output: str) -> Value:
    pairs = [_summed(x, term, given, output) for x, term in zip(operands, given, strict=True)]
    values, terms = [x for x, _ in pairs], [term for _, term in pairs]
    letter = _batch_letter(subscripts, values, terms, output)
    if letter:
        terms = [term.replace(letter, "") for term in terms]
        output = output.replace(letter, "")
    if len(values) == 1:
        return permuted(values[0], [terms[0].index(c) for c in output])
    return _einsum_of_two(values[0], values[1], terms[0], terms[1], output)


def _terms(name: str, subscripts: str, operands: Sequence[Value]) -> tuple[list[str], str]:
    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    terms = left.split(",")
    if not arrow:
        output = "".join(sorted(c for c in set(left) if c != "," and left.count(c) == 1))
    if not all(c.isalpha() for c in left.replace(",", "") + output):
        raise ValueError(f"{name}: subscripts are {subscripts!r}; expected letters, ',' and '->' only")
    if len(terms) != len(operands) or len(terms) > 2:
        raise ValueError(
            f"{name}: subscripts {subscripts!r} for {len(operands)} operands; expected one or two of both"
        )
    if any(len(set(term)) < len(term) for term in [*terms, output]) or not set(output) <= set(left):
        raise ValueError(
            f"{name}: subscripts {subscripts!r} are no product of matrices: a letter comes twice or nowhere"
        )
    sizes: dict[str, int | None] = {}
    for x, term in zip(operands, terms, strict=True):
        if len(term) != x.ndim or any(
            sizes.setdefault(c, n) != n for c, n in zip(term, x.shape, strict=True)
        ):
            shapes = " and ".join(str(x.shape) for x in operands)
            raise ValueError(f"{name}: subscripts {subscripts!r} do not fit shapes {shapes}")
    return terms, output


def _summed(x: Value, term: str, terms: Sequence[str], output: str) -> tuple[Value, str]:
    """An operand after the sum over what neither the other one nor the result has."""
    from pycnn.core.operations.reductions import sum

    alone = [i for i, c in enumerate(term) if c not in output and "".join(terms).count(c) == 1]
    if not alone:
        return x, term
    return sum(x, alone), "".join(c for i, c in enumerate(term) if i not in alone)


def _batch_letter(subscripts: str, operands: Sequence[Value], terms: Sequence[str], output: str) -> str:
    letters = {term[0] for x, term in zip(operands, terms, strict=True) if x.is_batched}
    batched = next((x for x in operands if x.is_batched), None)
    if batched is None:
        return ""
    if any(not x.is_batched and term[:1] in letters for x, term in zip(operands, terms, strict=True)):
        raise refuse_batch(
            batched, f"subscripts are {subscripts!r}; only operands with a batch axis have its letter"
        )
    if len(letters) > 1 or not output.startswith(next(iter(letters))):
        raise refuse_batch(
            batched, f"subscripts are {subscripts!r}; expected its letter first in the result, and one only"
        )
    return letters.pop()


def _einsum_of_two(a: Value, b: Value, left: str, right: str, output: str) -> Value:
    shared = [c for c in left if c in right and c in output]
    summed = [c for c in left if c in right and c not in output]
    rows = [c for c in left if c not in right]
    columns = [c for c in right if c not in left]
    size = dict(zip(left + right, a.sample + b.sample, strict=True))
    count, depth, m, n = (math.prod(size[c] for c in part) for part in (shared, summed, rows, columns))
    head = (count,) if shared else ()
    x = reshaped(permuted(a, [left.index(c) for c in [*shared, *rows, *summed]]), (*head, m, depth))
    order = [right.index(c) for c in [*shared, *columns, *summed]]
    transpose_b = order == sorted(order)
    if not transpose_b:
        order = [right.index(c) for c in [*shared, *summed, *columns]]
    y = reshaped(permuted(b, order), (*head, n, depth) if transpose_b else (*head, depth, n))
    if a.is_batched and not b.is_batched and not shared:
        y = permuted(y, (1, 0)) if transpose_b else y
        product = _dense(x, y)
    else:
        product = x.then(x.graph.matmul(x.node, y.node, transpose_b=transpose_b, name=x.name))
    names = [*shared, *rows, *columns]
    return permuted(reshaped(product, [size[c] for c in names]), [names.index(c) for c in output])
