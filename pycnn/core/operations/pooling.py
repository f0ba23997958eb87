"""Pooling of images (h, w, c) as nodes of the core's graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycnn.core.padding import window_padding

if TYPE_CHECKING:
    from pycnn.core.operations.value import Value
    from pycnn.core.padding import Padding

    Pair = tuple[int, int]


def pooled(x: Value, average: bool, window: Pair, *, strides: Pair, padding: Padding = "valid") -> Value:
    """The mean, padding left out, or the maximum of each window."""
    pool = x.graph.average_pool2d if average else x.graph.max_pool2d
    sides = window_padding(padding, (x.sample[0], x.sample[1]), window, strides)
    return x.then(pool(x.node, pool_size=window, strides=strides, padding=sides, name=x.name))
