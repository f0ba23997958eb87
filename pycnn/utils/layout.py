"""Where the boxes of a directed graph go: in rows by their depth, with few crossings.

The method is that of Sugiyama, Tagawa and Toda (1981), with rows that are each in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_SWEEPS = 8


class Layout(NamedTuple):
    """Positions: along the rows and across them, both from 0 on."""

    rows: list[int]  # of each box
    centres: list[float]  # of each box, in its row
    paths: list[tuple[int, int, list[tuple[float, int]]]]  # from box to box, by points between them
    width: float


def laid_out(origins: Sequence[Sequence[int]], widths: Sequence[float], gap: float) -> Layout:
    """Positions of boxes.

    Args:
        origins: for each box the numbers of those that it comes from, which are smaller.
        widths: of the boxes.
        gap: between two boxes of a row.
    """
    depth: list[int] = []
    for before in origins:
        depth.append(1 + max((depth[i] for i in before), default=-1))
    # An edge across several rows has a point in each of those between, which keeps boxes away from it.
    sizes, rows = list(widths), list(depth)
    above: list[list[int]] = [[] for _ in origins]
    chains: list[tuple[int, int, list[int]]] = []
    for box, before in enumerate(origins):
        for origin in before:
            points, last = [], origin
            for row in range(depth[origin] + 1, depth[box]):
                rows.append(row)
                sizes.append(gap)
                above.append([last])
                last = len(rows) - 1
                points.append(last)
            above[box].append(last)
            chains.append((origin, box, points))
    below: list[list[int]] = [[] for _ in rows]
    for node, before in enumerate(above):
        for other in before:
            below[other].append(node)
    order = [
        [node for node, row in enumerate(rows) if row == level] for level in range(max(rows, default=-1) + 1)
    ]
    centres = _placed(order, sizes, gap)
    for sweep in range(_SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for level in order if sweep % 2 == 0 else reversed(order):
            wanted = {
                node: sum(centres[other] for other in neighbours[node]) / len(neighbours[node])
                if neighbours[node]
                else centres[node]
                for node in level
            }
            level.sort(key=wanted.__getitem__)
            centres = _placed(order, sizes, gap)
    paths = [(a, b, [(centres[point], rows[point]) for point in points]) for a, b, points in chains]
    width = max((sum(sizes[node] + gap for node in level) - gap for level in order), default=0.0)
    return Layout(depth, centres[: len(origins)], paths, width)


def _placed(order: Sequence[Sequence[int]], sizes: Sequence[float], gap: float) -> list[float]:
    """Centres of all nodes: side by side, each row in the middle."""
    centres = [0.0] * len(sizes)
    total = max((sum(sizes[node] + gap for node in level) - gap for level in order), default=0.0)
    for level in order:
        x = (total - sum(sizes[node] + gap for node in level) + gap) / 2
        for node in level:
            centres[node] = x + sizes[node] / 2
            x += sizes[node] + gap
    return centres
