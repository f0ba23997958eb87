"""The memory of a process, from Linux's /proc where there is one. Nothing here imports pycnn."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path


def peak_bytes() -> int:
    """The most memory that the process had resident since it began, or since `reset_peak`."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak() -> None:
    """Forgets the peak so far, where the system can do that."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
