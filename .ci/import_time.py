"""Prints what `import pycnn` costs beyond `import numpy`, in fresh interpreters. A figure, not a test."""

import statistics
import subprocess
import sys

PROGRAM = "import time, numpy; t = time.perf_counter(); import pycnn; print(time.perf_counter() - t)"

times = [
    float(subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True, text=True).stdout)
    for _ in range(11)
]
print(f"import pycnn beyond import numpy: median {statistics.median(times) * 1e3:.1f} ms of {len(times)}")
