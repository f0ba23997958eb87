"""How many elements datasets have."""

from __future__ import annotations

INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2


def of_batches(size: int, batch_size: int, drop_remainder: bool) -> int:
    """Batches of so many elements."""
    if size < 0:
        return size
    return size // batch_size if drop_remainder else -(-size // batch_size)


def repeated(size: int, count: int) -> int:
    """`count` passes; below 0 for no end."""
    if size == 0 or count == 0:
        return 0
    if count < 0 or size == INFINITE_CARDINALITY:
        return INFINITE_CARDINALITY
    return size if size < 0 else size * count


def first(size: int, count: int) -> int:
    """At most `count`; below 0 for all."""
    if count < 0 or size == UNKNOWN_CARDINALITY:
        return size if count != 0 else 0
    return count if size < 0 else min(size, count)


def without_first(size: int, count: int) -> int:
    """All but `count`; below 0 for none."""
    if count < 0:
        return 0
    return size if size < 0 else max(size - count, 0)


def shortest(sizes: list[int]) -> int:
    """Of what ends with the shortest one."""
    finite = [size for size in sizes if size != INFINITE_CARDINALITY]
    if UNKNOWN_CARDINALITY in finite:
        return 0 if 0 in finite else UNKNOWN_CARDINALITY
    return min(finite, default=INFINITE_CARDINALITY)


def one_after_the_other(sizes: list[int]) -> int:
    """Of what follows each other."""
    for special in (INFINITE_CARDINALITY, UNKNOWN_CARDINALITY):
        if special in sizes:
            return special
    return sum(sizes)


def of_windows(size: int, length: int, shift: int, stride: int, drop_remainder: bool) -> int:
    """Windows of `length` elements, `stride` apart, which begin every `shift` elements."""
    if size < 0:
        return size
    if not drop_remainder:
        return -(-size // shift)
    return max(size - (length - 1) * stride - 1 + shift, 0) // shift
