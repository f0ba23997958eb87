"""Cross-entropies of probabilities or logits, a value for each place, as Keras' functions of the backend."""

from __future__ import annotations

from typing import Any

from pycnn.core.operations import arithmetic as a
from pycnn.core.operations import elementwise as e
from pycnn.core.operations.base import operation
from pycnn.core.operations.batching import axis_of
from pycnn.core.operations.reductions import sum
from pycnn.core.operations.selection import one_hot
from pycnn.core.operations.shapes import squeeze

from ._activation_smooth import softplus
from ._softmax import log_softmax

_EPSILON = 1e-7  # Keras' least probability


@operation(2)
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """-(t log(p) + (1 - t) log(1 - p)) for each value.

    Args:
        target: t: a symbol or an array of 0 and 1, or of what lies between.
        output: a symbol or an array of the same shape: p, cut to [1e-7, 1 - 1e-7], or the logits.
        from_logits: whether p is sigmoid(output).

    Returns:
        A symbol where an operand is one, else a float32 array; of the same shape.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if the shapes differ.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2.2.

    >>> from pycnn import ops
    >>> ops.binary_crossentropy([1.0, 0.0], [1000.0, -1000.0], from_logits=True).tolist()
    [0.0, 0.0]
    """
    _check_shapes("binary_crossentropy", target, output)
    if from_logits:
        return a.subtract(softplus(output), a.multiply(output, target))
    p = a.clip(output, _EPSILON, 1.0 - _EPSILON)
    hit = a.multiply(target, e.log(p))
    miss = a.multiply(a.subtract(1.0, target), e.log(a.subtract(1.0, p)))
    return e.negative(a.add(hit, miss))


@operation(2)
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-sum of t log(p) over the classes.

    Args:
        target: t: a symbol or an array of probabilities, one-hot or not.
        output: a symbol or an array of the same shape: p, which is divided by its sum and cut to
            [1e-7, 1 - 1e-7], or the logits.
        from_logits: whether p is softmax(output).
        axis: the one of the classes.

    Returns:
        A symbol where an operand is one, else a float32 array, without the axis of the classes.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if the shapes differ, or there is no such axis.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2.3.

    >>> from pycnn import ops
    >>> ops.categorical_crossentropy([[0.0, 1.0]], [[1000.0, 0.0]], from_logits=True).tolist()
    [1000.0]
    """
    _check_shapes("categorical_crossentropy", target, output)
    return e.negative(sum(a.multiply(target, _log_probabilities(output, from_logits, axis)), axis))


@operation(2)
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """-log(p) of the class whose number is given.

    Args:
        target: a symbol or an array of class numbers, (n, ...) or (n, ..., 1).
        output: a symbol or an array, (n, ..., classes): p, which is divided by its sum and cut to
            [1e-7, 1 - 1e-7], or the logits.
        from_logits: whether p is softmax(output).
        axis: the one of the classes.

    Returns:
        A symbol where an operand is one, else a float32 array, without the axis of the classes.

    Raises:
        TypeError: if an operand is neither a symbol nor real numbers.
        ValueError: if the shapes do not fit, or there is no such axis.

    Source: Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2.3.

    >>> from pycnn import ops
    >>> ops.sparse_categorical_crossentropy([1], [[1000.0, 0.0]], from_logits=True).tolist()
    [1000.0]
    """
    place = axis_of("sparse_categorical_crossentropy", axis, output.ndim)
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = squeeze(target, -1)
    expected = (*output.shape[:place], *output.shape[place + 1 :])
    if target.shape != expected:
        raise ValueError(
            f"sparse_categorical_crossentropy: target has shape {target.shape}, output {output.shape}; "
            f"expected {expected} class numbers"
        )
    hot = one_hot(target, output.shape[place], place)
    return e.negative(sum(a.multiply(hot, _log_probabilities(output, from_logits, axis)), axis))


def _check_shapes(name: str, target: Any, output: Any) -> None:
    if target.shape != output.shape:
        raise ValueError(
            f"{name}: target has shape {target.shape}, output {output.shape}; expected one shape"
        )


def _log_probabilities(output: Any, from_logits: bool, axis: int) -> Any:
    if from_logits:
        return log_softmax(output, axis=axis)
    p = a.divide(output, sum(output, axis, True))
    return e.log(a.clip(p, _EPSILON, 1.0 - _EPSILON))
