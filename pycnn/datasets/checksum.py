"""Whether a file is the one that it should be."""

from __future__ import annotations

import hashlib
from pathlib import Path


def is_intact(path: Path, sha256: str) -> bool:
    """Whether the file is there with that checksum."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == sha256
