"""Whether a file is the one that it should be."""

from __future__ import annotations

import hashlib
from pathlib import Path


def algorithm_of(expected: str) -> str | None:
    """Which algorithm gives a checksum of so many hexadecimal digits: MD5, SHA-256, or None of them."""
    return {32: "md5", 64: "sha256"}.get(len(expected))


def checksum(path: Path, algorithm: str) -> str:
    """The checksum of a file, hexadecimal; OSError where it cannot be read."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_intact(path: Path, expected: str) -> bool:
    """Whether the file is there with that MD5 or SHA-256."""
    try:
        return checksum(path, algorithm_of(expected) or "sha256") == expected
    except OSError:
        return False
