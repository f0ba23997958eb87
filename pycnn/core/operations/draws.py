"""Random numbers by Keras' names: arrays, or symbols whose values are other ones in every run of the core.

A symbol it is where the shape has None, the axis of the samples, and in a layer's `call`, which is traced
once and runs many times: each sample, step and prediction then draws anew. The same seed gives the same
numbers in each process, which are not those of Keras' backends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pycnn.core import seeds
from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_float32
from pycnn.core.function import is_tracing
from pycnn.core.operations.arithmetic import multiply, where
from pycnn.core.operations.comparisons import greater_equal
from pycnn.core.operations.conversion import cast, checked_dtype
from pycnn.core.operations.conversion import shape as shape_of
from pycnn.core.operations.elementwise import cos, floor, log, sqrt
from pycnn.core.results import answering
from pycnn.core.rows import Rows, by_samples, plain_sizes
from pycnn.core.seed_generator import SeedGenerator, generator_of, truncated_normal_values
from pycnn.core.symbolic import KerasTensor


def _sizes(name: str, shape: Any) -> Any:
    """A shape as a tuple; None for the axis of the samples alone."""
    shape = plain_sizes(shape)
    given = shape if isinstance(shape, (tuple, list)) else np.atleast_1d(np.asarray(shape)).tolist()
    if (whole := by_samples(given)) is not None:
        return given[0], *_sizes(name, whole)[2:]
    try:
        found = tuple(None if size is None else int(size) for size in given)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: shape is {shape!r:.200}; expected integers") from None
    if any(size is not None and size < 0 for size in found) or None in found[1:]:
        raise ValueError(f"{name}: shape is {found}; expected sizes, with None on the first axis at most")
    return found


def _is_drawn_later(name: str, shape: tuple[int | None, ...], seed: Any) -> bool:
    """Whether the numbers are drawn in each run of the core. With an integer for a seed they never change."""
    counted = None in shape or by_samples(shape) is not None
    if isinstance(seed, (int, np.integer)):
        if counted:
            raise ValueError(
                f"{name}: the seed {seed} would give the same numbers in each call, but the number of "
                f"samples in shape {shape} is unknown; give a keras.random.SeedGenerator({seed}) or None"
            )
        return False
    return counted or is_tracing()


def _uniform_symbol(shape: tuple[int | None, ...], seed: Any) -> Any:
    """Numbers from 0 to below 1 that each run draws."""
    whole = by_samples(shape)
    symbol = KerasTensor(whole or shape, name="random")
    symbol.seed = seed.seed if isinstance(seed, SeedGenerator) else seeds.next_seed()
    return Rows(symbol) if whole else symbol


def _normal_symbol(shape: tuple[int | None, ...], seed: Any) -> Any:
    """Standard normal numbers by the form of Box and Muller 1958."""
    radius = sqrt(multiply(log(1.0 - _uniform_symbol(shape, seed)), -2.0))
    return radius * cos(multiply(_uniform_symbol(shape, seed), 2.0 * math.pi))


def _drawn(name: str, dtype: Any, values: Any) -> Any:
    """What was drawn, in a type of floats."""
    if checked_dtype(name, dtype) != "float32":
        raise ValueError(f"{name}: dtype is {dtype!r}; expected a float, which is float32 here")
    return answering(np.asarray(values, np.float32)[()])


def _on_arrays(name: str, shape: Any, dtype: Any, seed: Any, draw: Callable[..., Any]) -> Any:
    """Numbers of a distribution that only arrays have: `draw` makes them with NumPy's generator."""
    sizes = _sizes(name, shape)
    if _is_drawn_later(name, sizes, seed):
        raise NotImplementedError(
            f"{name} is not available in a layer's `call` or with None in its shape; there are "
            f"keras.random.uniform, normal, randint and dropout, which keras.ops can make others of"
        )
    return _drawn(name, dtype, draw(generator_of(seed), sizes))


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers from `minval` to below `maxval`, all equally likely.

    Args:
        shape: integers; None for the axis of the samples, as `keras.ops.shape` of a symbol gives it.
        minval: the least number.
        maxval: what no number reaches.
        dtype: None or 'float32'.
        seed: an integer, for the same numbers in each call; a SeedGenerator; or None.

    Returns:
        A float32 array; a symbol in a layer's `call` and where the shape has None.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import pycnn as keras
        >>> keras.random.uniform((2, 3), seed=1).shape
        (2, 3)
    """
    sizes = _sizes("uniform", shape)
    if _is_drawn_later("uniform", sizes, seed):
        low, high = as_number("uniform: minval", minval), as_number("uniform: maxval", maxval)
        return _uniform_symbol(sizes, seed) * (high - low) + low
    return _drawn("uniform", dtype, generator_of(seed).uniform(minval, maxval, sizes))


def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers.

    Args:
        shape: as in `uniform`.
        mean: of the distribution.
        stddev: its standard deviation.
        dtype: None or 'float32'.
        seed: as in `uniform`.

    Returns:
        A float32 array; a symbol in a layer's `call` and where the shape has None.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import pycnn as keras
        >>> z = keras.Input((2,))
        >>> noisy = z + keras.random.normal(keras.ops.shape(z))
        >>> noisy.shape
        (None, 2)
    """
    sizes = _sizes("normal", shape)
    if _is_drawn_later("normal", sizes, seed):
        deviation, middle = as_number("normal: stddev", stddev), as_number("normal: mean", mean)
        return _normal_symbol(sizes, seed) * deviation + middle
    return _drawn("normal", dtype, generator_of(seed).normal(mean, stddev, sizes))


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers within two standard deviations of the mean; others are drawn again.

    Args:
        shape, mean, stddev, dtype, seed: as in `normal`; not in a layer's `call`.

    Returns:
        A float32 array.

    Raises:
        NotImplementedError: in a layer's `call`, and with None in the shape.
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import pycnn as keras
        >>> float(abs(keras.random.truncated_normal((100,))).max()) <= 2
        True
    """
    return _on_arrays(
        "truncated_normal",
        shape,
        dtype,
        seed,
        lambda rng, n: truncated_normal_values(rng, n) * stddev + mean,
    )


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Integers from `minval` to below `maxval`, all equally likely.

    Args:
        shape: as in `uniform`.
        minval: the least integer.
        maxval: what no integer reaches.
        dtype: of the result, one of integers.
        seed: as in `uniform`.

    Returns:
        An array of integers; a symbol in a layer's `call` and where the shape has None.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import pycnn as keras
        >>> sorted(set(keras.random.randint((100,), 0, 3, seed=1).tolist()))
        [0, 1, 2]
    """
    sizes, wanted = _sizes("randint", shape), checked_dtype("randint", dtype)
    if wanted in ("float32", "bool"):
        raise ValueError(f"randint: dtype is {dtype!r}; expected one of integers")
    if _is_drawn_later("randint", sizes, seed):
        return cast(floor(uniform(sizes, minval, maxval, seed=seed)), wanted)
    return answering(generator_of(seed).integers(minval, maxval, sizes).astype(wanted))


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Zeros with probability `rate`, and the rest multiplied by 1 / (1 - rate); in training and inference.

    Args:
        inputs: a symbol, or an array of any shape.
        rate: in [0, 1).
        noise_shape: shape of what is drawn, which broadcasts to the inputs'; None for theirs.
        seed: as in `uniform`.

    Returns:
        A symbol for a symbol, else a float32 array.

    Raises:
        TypeError, ValueError: if an argument is wrong.

    Example:
        >>> import pycnn as keras
        >>> sorted(set(keras.random.dropout([1.0] * 50, 0.5, seed=1).tolist()))
        [0.0, 2.0]
    """
    rate = as_number("dropout: rate", rate)
    if not 0 <= rate < 1:
        raise ValueError(f"dropout: rate is {rate}; expected a number in [0, 1)")
    shape = shape_of(inputs)
    if noise_shape is not None:
        shape = tuple(own if size is None else size for size, own in zip(noise_shape, shape, strict=True))
    return where(greater_equal(uniform(shape, seed=seed), rate), multiply(inputs, 1.0 / (1.0 - rate)), 0.0)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The parts of an array along an axis in random order.

    Args:
        x: an array.
        axis: an integer.
        seed: as in `uniform`.

    Returns:
        An array of x's shape and type.

    Raises:
        NotImplementedError: for a symbol.

    Example:
        >>> import pycnn as keras
        >>> sorted(keras.random.shuffle([1.0, 2.0, 3.0]).tolist())
        [1.0, 2.0, 3.0]
    """
    if isinstance(x, KerasTensor):
        raise NotImplementedError("shuffle of a symbol is not available; shuffle arrays before")
    return answering(generator_of(seed).permutation(np.asarray(x), axis=axis))


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Class numbers drawn with the probabilities that logits give.

    Args:
        logits: (n, classes) logarithms of probabilities, to which a number may be added.
        num_samples: to draw for each row.
        dtype: of the result, one of integers.
        seed: as in `uniform`.

    Returns:
        (n, num_samples) integers.

    Raises:
        NotImplementedError: for a symbol.
        ValueError: if there are not two axes.

    Example:
        >>> import pycnn as keras
        >>> keras.random.categorical([[0.0, -1000.0]], 3).tolist()
        [[0, 0, 0]]
    """
    if isinstance(logits, KerasTensor):
        raise NotImplementedError("categorical of a symbol is not available; draw from what `predict` gives")
    table = as_float32("categorical: logits", logits)
    if table.ndim != 2:
        raise ValueError(f"categorical: logits have shape {table.shape}; expected (n, classes)")
    # The largest of logits and numbers of Gumbel's distribution: Gumbel 1954.
    gumbel = generator_of(seed).gumbel(size=(len(table), int(num_samples), table.shape[1]))
    return answering((table[:, None] + gumbel).argmax(-1).astype(checked_dtype("categorical", dtype)))


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers of the gamma distribution with scale 1.

    Args:
        shape: integers.
        alpha: of the distribution, above 0; of a shape that broadcasts to `shape`.
        dtype: None or 'float32'.
        seed: as in `uniform`.

    Returns:
        A float32 array.

    Raises:
        NotImplementedError: in a layer's `call`, and with None in the shape.
        ValueError: if a parameter is not within its limits.

    Example:
        >>> import pycnn as keras
        >>> keras.random.gamma((2, 3), 0.2).shape
        (2, 3)
    """
    return _on_arrays("gamma", shape, dtype, seed, lambda rng, n: rng.gamma(np.asarray(alpha), size=n))


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers of the beta distribution.

    Args:
        shape, alpha, dtype, seed: as in `gamma`.
        beta: of the distribution, above 0.

    Returns:
        A float32 array.

    Raises:
        NotImplementedError: in a layer's `call`, and with None in the shape.
        ValueError: if a parameter is not within its limits.

    Example:
        >>> import pycnn as keras
        >>> 0 <= float(keras.random.beta((1,), 0.4, 0.4)[0]) <= 1
        True
    """
    return _on_arrays(
        "beta", shape, dtype, seed, lambda rng, n: rng.beta(np.asarray(alpha), np.asarray(beta), n)
    )


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Any:
    """How many of so many trials succeed.

    Args:
        shape, dtype, seed: as in `gamma`.
        counts: of trials.
        probabilities: of a success.

    Returns:
        A float32 array of whole numbers.

    Raises:
        NotImplementedError: in a layer's `call`, and with None in the shape.
        ValueError: if a parameter is not within its limits.

    Example:
        >>> import pycnn as keras
        >>> keras.random.binomial((2,), 5, 1.0).tolist()
        [5.0, 5.0]
    """
    return _on_arrays(
        "binomial",
        shape,
        dtype,
        seed,
        lambda rng, n: rng.binomial(np.asarray(counts, np.int64), np.asarray(probabilities), n),
    )
