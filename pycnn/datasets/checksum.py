"""Whether a file is the one that it should be."""

from __future__ import annotations

import hashlib
from pathlib import Path


def hasher(expected: str) -> hashlib._Hash:
    """What computes a checksum of that length: MD5 of 32 digits, or SHA-256."""
    return hashlib.md5(usedforsecurity=False) if len(expected) == 32 else hashlib.sha256()


def is_intact(path: Path, checksum: str) -> bool:
    """Whether the file is there with that MD5 or SHA-256."""
    digest = hasher(checksum)
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == checksum
