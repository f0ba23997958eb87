"""Loads the core with a short wait: how long OpenMP's threads stay awake for more work is read only then.

libgomp's default keeps a waiting thread busy for milliseconds. Where another program wants the core too,
every wait of a training step then costs a time slice; and an idle program burns a core between calls. A few
microseconds are enough to bridge the gaps inside a step. A choice of the user's own is left alone.
"""

from __future__ import annotations

import os

__all__: list[str] = []

_SPINS = "1000"  # of libgomp's wait loop, about ten microseconds

if "GOMP_SPINCOUNT" in os.environ or "OMP_WAIT_POLICY" in os.environ:
    from pycnn import _core as _core
else:
    os.environ["GOMP_SPINCOUNT"] = _SPINS
    try:
        from pycnn import _core as _core
    finally:
        del os.environ["GOMP_SPINCOUNT"]
