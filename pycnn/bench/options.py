"""What `pycnn bench` was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pycnn.bench.timing import Effort
from pycnn.bench.workers import System

__all__ = ["Options"]


class Options(NamedTuple):
    """What to run, and how."""

    peers: Sequence[System] = ()
    networks: Sequence[str] = ("deck",)
    applications: Sequence[str] = ()  # networks for ImageNet
    batches: Sequence[int] = ()  # each network's own where empty
    threads: int = 1
    isa: str = ""  # see workers.child_environment
    effort: Effort = Effort()
    only: tuple[str, ...] = ()  # parts of names; all where empty
    quick: bool = False

    def wants(self, name: str) -> bool:
        """Whether the case or measure of that name is to be run."""
        return not self.only or any(part.lower() in name.lower() for part in self.only)
