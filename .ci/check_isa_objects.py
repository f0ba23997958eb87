"""Checks that nothing compiled for one ISA can be used by code for another.

python .ci/check_isa_objects.py BUILD_FOLDER

In the object files of the kernels every symbol that the linker can see must lie in the namespace of their
ISA: a shared inline function compiled for AVX-512 may be the one copy that the linker keeps for everybody.
They may need nothing from outside but the C library's memory functions and the kernels of an ISA that they
extend, and must run nothing before the CPU was looked at.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SYMBOL = re.compile(r"^[0-9a-f ]{16} (\S) (.*)$")
EXTENDS = {"avx512_bf16": "avx512"}
FROM_OUTSIDE = {"memcmp", "memcpy", "memmove", "memset", "_GLOBAL_OFFSET_TABLE_"}


def violations(path: Path, isa: str) -> list[str]:
    listing = subprocess.run(["nm", "-C", str(path)], capture_output=True, text=True, check=True).stdout
    found = []
    for line in listing.splitlines():
        if not (match := SYMBOL.match(line)):
            continue
        kind, name = match.groups()
        if "_GLOBAL__sub_I" in name or "global constructors" in name:
            found.append(f"{path.name}: runs before main: {name}")
        local = kind.islower() and kind not in "uvw"
        extended = kind == "U" and isa in EXTENDS and name.startswith(f"pycnn::{EXTENDS[isa]}::")
        if local or extended or f"pycnn::{isa}::" in name or (kind == "U" and name in FROM_OUTSIDE):
            continue
        found.append(f"{path.name}: {'needs' if kind == 'U' else 'shares'} {name}")
    return found


def main() -> int:
    folders = sorted(Path(sys.argv[1]).glob("**/pycnn_kernels_*.dir"))
    objects = [
        (path, folder.name.removeprefix("pycnn_kernels_").removesuffix(".dir"))
        for folder in folders
        for path in sorted(folder.glob("**/*.o"))
    ]
    if not objects:
        print(f"no object files of kernels in {sys.argv[1]}")
        return 1
    found = [f"{isa}: {text}" for path, isa in objects for text in violations(path, isa)]
    print("\n".join(found) if found else f"{len(objects)} object files share nothing between ISAs")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
