"""Where a model's time and memory go: what `model.profile` and `pycnn profile` measure and show."""

from __future__ import annotations

from pycnn.profiling.result import PHASES, MemoryUse, Profile, ProfileRow

__all__ = ["PHASES", "MemoryUse", "Profile", "ProfileRow"]
