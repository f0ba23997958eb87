"""Iterators of datasets: batches, orders, threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

from pycnn.data.elements import stacked
from pycnn.models.ahead import END, fetched_ahead

if TYPE_CHECKING:
    import numpy as np

_AHEAD = 2  # elements for each thread, of which results are fetched before they are needed


def mapped(function: Callable[[Any], Any], elements: Iterator[Any], threads: int) -> Iterator[Any]:
    """The function's results in the elements' order; threads compute them ahead, if there are any."""
    if threads == 0:
        return map(function, elements)
    jobs = (partial(function, element) for element in elements)
    return fetched_ahead(jobs, threads, _AHEAD * threads)


def prefetched(elements: Iterator[Any], count: int) -> Iterator[Any]:
    """The elements, of which a thread makes so many ahead; 0 for none."""
    if count == 0:
        return elements
    return fetched_ahead(repeat(partial(next, elements, END)), 1, count)


def in_batches(elements: Iterator[Any], size: int, drop_remainder: bool) -> Iterator[Any]:
    """Stacks of `size` elements."""
    while batch := list(islice(elements, size)):
        if len(batch) == size or not drop_remainder:
            yield stacked(batch)


def in_random_order(elements: Iterator[Any], buffer_size: int, rng: np.random.Generator) -> Iterator[Any]:
    """Elements drawn from a buffer of those that come next."""
    buffer = list(islice(elements, buffer_size))
    for element in elements:
        drawn = int(rng.integers(len(buffer)))
        yield buffer[drawn]
        buffer[drawn] = element
    for drawn in rng.permutation(len(buffer)).tolist():
        yield buffer[drawn]


def cached(elements: Iterable[Any], kept: list[Any]) -> Iterator[Any]:
    """The elements, kept in a list once all of them have been made."""
    if kept:
        yield from kept[0]
        return
    found = []
    for element in elements:
        found.append(element)
        yield element
    kept[:] = [found]


def in_windows(
    elements: Iterator[Any], size: int, shift: int, stride: int, drop_remainder: bool
) -> Iterator[list[Any]]:
    """Lists of `size` elements, `stride` apart, of which each begins `shift` elements after the last one."""
    ahead: list[Any] = []
    while True:
        ahead += islice(elements, max((size - 1) * stride + 1 - len(ahead), 0))
        window = ahead[: (size - 1) * stride + 1 : stride]
        if not window or (drop_remainder and len(window) < size):
            return
        yield window
        missing = shift - len(ahead)
        del ahead[:shift]
        for _ in islice(elements, max(missing, 0)):
            pass


def in_turns(iterators: Iterator[Iterator[Any]], several: int, block: int) -> Iterator[Any]:
    """Blocks of elements from each of several iterators in turn; where one ends, the next is opened."""
    turns: list[Iterator[Any] | None] = [None] * several
    place = 0
    more = True
    while more or any(turn is not None for turn in turns):
        if turns[place] is None and more:
            turns[place] = next(iterators, None)
            more = turns[place] is not None
        current = turns[place]
        if current is not None:
            found = 0
            for element in islice(current, block):
                found += 1
                yield element
            if found < block:
                turns[place] = None
                if found == 0 and more:
                    continue
        place = (place + 1) % several
