"""Whether a file is the one that it should be."""

from __future__ import annotations

import hashlib
from pathlib import Path


def checksum(path: Path, algorithm: str) -> str:
    """The checksum of a file, hexadecimal; OSError where it cannot be read."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_intact(path: Path, sha256: str) -> bool:
    """Whether the file is there with that checksum."""
    try:
        return checksum(path, "sha256") == sha256
    except OSError:
        return False
