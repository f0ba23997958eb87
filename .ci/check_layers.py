"""Checks who knows whom: the includes of cpp/ and the imports of pycnn/, as CONTRIBUTING draws the house.

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
    "graph": {"kernels", "graph"},
    "engine": {"kernels", "runtime", "graph", "engine"},
    "api": {"kernels", "runtime", "graph", "engine", "api"},
    "bindings": {"kernels", "runtime", "graph", "engine", "api", "bindings"},
    "include": {"kernels", "runtime", "graph", "engine", "include"},
    "tests": {"simd", "kernels", "runtime", "graph", "engine", "api", "tests"},
}
# Compiled once per ISA: an inline function of the standard library would be shared with code for older CPUs.
PER_ISA = ("cpp/simd/", "cpp/kernels/", "cpp/tests/per_isa/")
PER_ISA_HEADERS = {"arm_neon.h", "immintrin.h", "stddef.h", "stdint.h"}
# Include the standard library only.
STAND_ALONE = ("cpp/include/pycnn/pycnn.h", "cpp/include/pycnn/pycnn_c.h")
# Headers that have one home.
ONLY_IN = {"omp.h": "cpp/runtime/team.cpp", "pybind11/": "cpp/bindings/", "Python.h": "cpp/bindings/"}

# --- Python: a module imports what stands on its own rung or below. Inside a function it may look further up,
# for whoever is called then has everything loaded; but nobody may know the top rung.
LADDER = (
    ("_version",),
    ("_core", "_names", "_loading", "_policy", "_program", "_seeds", "_serialization", "_variable"),
    ("ops",),
    ("activations", "backend", "config", "datasets", "initializers", "losses", "metrics", "nn", "optimizers"),
    ("mixed_precision", "random", "utils", "layers"),
    ("callbacks", "models", "profiling", "saving"),
    ("__init__", "keras"),
    ("recipes",),
    ("bench", "cli"),
)
KNOWS_TOP = {"config"}  # show_config prints what `pycnn info` prints
RUNG = {name: rung for rung, names in enumerate(LADDER) for name in names}


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
                    yield f"{where}: {folder} must not know {target}"
            elif per_isa and header not in PER_ISA_HEADERS:
                yield f"{where}: <{header}> in code that is compiled once per ISA"


def imports(path: Path, package: list[str]) -> Iterator[tuple[int, str, bool]]:
    """Line, first name below `pycnn`, and whether the import runs when the module is loaded."""
    tree = ast.parse(path.read_text())
    ignored: set[ast.AST] = set()
    lazy: set[ast.AST] = set()
    for node in ast.walk(tree):  # outer nodes come first
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            ignored.update(inner for statement in node.body for inner in ast.walk(statement))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            lazy.update(ast.walk(node))
        if node in ignored:
            continue
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            names = [base if len(base) > 1 else [*base, alias.name] for alias in node.names]
        for name in names:
            if name[0] == "pycnn":
                yield node.lineno, name[1] if len(name) > 1 else "__init__", node not in lazy


def python_violations(root: Path) -> Iterator[str]:
    for path in sorted(root.glob("pycnn/**/*.py")):
        place = path.relative_to(root)
        module = place.parts[1].removesuffix(".py")
        if module not in RUNG:
            yield f"{place}: '{module}' has no rung: put it on the LADDER in .ci/check_layers.py"
            continue
        for line, target, at_load in imports(path, list(place.parts[:-1])):
            target = target if target in RUNG else "__init__"  # a name that pycnn/__init__.py exports
            top = RUNG[target] == len(LADDER) - 1 > RUNG[module] and module not in KNOWS_TOP
            if target != module and (top or (at_load and RUNG[target] > RUNG[module])):
                yield f"{place}:{line}: {module} must not import {target}{' at load' if not top else ''}"


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    found = [*cpp_violations(root), *python_violations(root)]
    print("\n".join(found) if found else "layers: everybody knows only whom they may")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
