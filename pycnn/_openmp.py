"""Loads the core with a short wait: how long OpenMP's threads stay awake for more work is read only then.

libgomp's default keeps a waiting thread busy for milliseconds. Where another program wants the core too,
every wait of a training step then costs a time slice; and an idle program burns a core between calls. Some
tens of microseconds are enough to bridge the gaps inside a step. A choice of the user's own is left alone.
"""

from __future__ import annotations

import os

__all__: list[str] = []

_SPINS = "3000"  # of libgomp's wait loop, some tens of microseconds
_CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")

_ours = not any(name in os.environ for name in _CHOICES)
if _ours:
    os.environ["GOMP_SPINCOUNT"] = _SPINS
try:
    from pycnn import _core as _core
except ImportError as error:
    if not str(error).startswith("cannot import name '_core'"):
        raise  # it is there, and says itself what is wrong
    raise ImportError(
        f"pycnn is not built in {os.path.dirname(__file__)}: start Python in another folder than that of the "
        "sources, or build it there (pip install -e .)"
    ) from error
finally:
    if _ours:
        del os.environ["GOMP_SPINCOUNT"]
