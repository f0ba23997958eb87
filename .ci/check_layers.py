"""Checks the layering in CONTRIBUTING: the includes of cpp/ and the imports of pycnn/.

python .ci/check_layers.py [FOLDER]    prints every violation; exit status 1 if there is one.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# --- C++: whose headers a folder may include ----------------------------------------------------------------
CPP = {
    "simd": {"simd"},
    "kernels": {"simd", "kernels"},
    "runtime": {"kernels", "runtime"},
    "graph": {"kernels", "runtime", "graph"},
    "passes": {"kernels", "graph", "passes"},
    "engine": {"kernels", "runtime", "graph", "passes", "engine"},
    "api": {"kernels", "runtime", "graph", "engine", "api"},
    "bindings": {"kernels", "runtime", "graph", "engine", "api", "bindings"},
    "include": {"kernels", "runtime", "graph", "engine", "include"},
    "tests": {"simd", "kernels", "runtime", "graph", "passes", "engine", "api", "tests"},
}
# Compiled once per ISA: an inline function of the standard library would be shared with code for older CPUs.
PER_ISA = ("cpp/simd/", "cpp/kernels/", "cpp/tests/per_isa/")
PER_ISA_HEADERS = {"arm_neon.h", "immintrin.h", "stddef.h", "stdint.h"}
# Include the standard library only.
STAND_ALONE = ("cpp/include/pycnn/pycnn.h", "cpp/include/pycnn/pycnn_c.h")
# Headers that have one home.
ONLY_IN = {"omp.h": "cpp/runtime/team.cpp", "pybind11/": "cpp/bindings/", "Python.h": "cpp/bindings/"}

# --- Python: each package imports from lower layers only, so there is no import circle between packages.
# Imports inside functions and imports for type checkers count too.
PYTHON = (
    ("_core", "_version"),
    ("core",),
    ("datasets", "ops"),
    (
        "activations",
        "constraints",
        "initializers",
        "losses",
        "optimizers",
        "profiling",
        "regularizers",
        "saving",
    ),
    ("callbacks", "layers", "metrics"),
    ("models",),
    ("applications", "data"),
    ("backend", "config", "mixed_precision", "nn", "random", "utils"),
    ("filters", "preprocessing", "wrappers"),
    ("__init__", "keras"),
    ("explain", "recipes", "sklearn", "tf"),
    ("bench",),
    ("cli",),
)
LAYER = {name: number for number, names in enumerate(PYTHON) for name in names}
ONE = {"__init__", "keras"}  # one interface under two names


def cpp_violations(root: Path) -> Iterator[str]:
    for path in sorted([*root.glob("cpp/**/*.h"), *root.glob("cpp/**/*.cpp")]):
        place = path.relative_to(root).as_posix()
        folder = place.split("/")[1]
        per_isa = place.startswith(PER_ISA)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            where = f"{place}:{number}"
            code = line.split("//")[0]
            if per_isa and "std::" in code:
                yield f"{where}: std:: in code that is compiled once per ISA"
            if not (found := re.match(r'\s*#\s*include\s+([<"])([^>"]+)', line)):
                continue
            kind, header = found.groups()
            for start, home in ONLY_IN.items():
                if header.startswith(start) and not place.startswith(home):
                    yield f"{where}: <{header}> belongs to {home}"
            if place in STAND_ALONE and (kind == '"' or "/" in header):
                yield f"{where}: {header} in a header that stands alone"
            if kind == '"':
                target = header.split("/")[0]
                if not (root / "cpp" / header).is_file():
                    yield f'{where}: "{header}" is not a path from cpp/'
                elif target not in CPP[folder]:
                    yield f"{where}: {folder} must not include {target}"
            elif per_isa and header not in PER_ISA_HEADERS:
                yield f"{where}: <{header}> in code that is compiled once per ISA"


def imports(path: Path, package: list[str]) -> Iterator[tuple[int, str]]:
    """Line and first name below `pycnn` of each import."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            names = [base if len(base) > 1 else [*base, alias.name] for alias in node.names]
        for name in names:
            if name[0] == "pycnn":
                yield node.lineno, name[1] if len(name) > 1 else "__init__"


def python_violations(root: Path) -> Iterator[str]:
    for path in sorted(root.glob("pycnn/**/*.py")):
        place = path.relative_to(root)
        module = place.parts[1].removesuffix(".py")
        if module not in LAYER:
            yield f"{place}: '{module}' has no layer: add it to PYTHON in .ci/check_layers.py"
            continue
        for line, target in imports(path, list(place.parts[:-1])):
            target = target if target in LAYER else "__init__"  # a name that pycnn/__init__.py exports
            if target != module and LAYER[target] >= LAYER[module] and not {module, target} <= ONE:
                yield f"{place}:{line}: {module} must not import {target}, which is not in a lower layer"


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    found = [*cpp_violations(root), *python_violations(root)]
    print("\n".join(found) if found else "layering: no violation")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
