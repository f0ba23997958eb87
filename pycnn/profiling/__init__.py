"""Where a model's time goes: what `model.profile` and `pycnn profile` measure and show."""

from __future__ import annotations

from pycnn.profiling.result import PHASES, Profile, ProfileRow

__all__ = ["PHASES", "Profile", "ProfileRow"]
