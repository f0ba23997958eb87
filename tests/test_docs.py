"""The pages that are written by hand: up to date with what is refused, and their programs run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pycnn.core.refused_names import REFUSED

DOCS = Path(__file__).parents[1] / "docs"
pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="there is no documentation beside the tests")


def test_what_is_refused_is_told():
    subprocess.run([sys.executable, DOCS / "refused.py", "--check"], check=True)
    page = (DOCS / "from_keras.md").read_text()
    for package, names in REFUSED.items():
        section = page.partition(f"### `{package}`\n")[2].partition("\n### ")[0]
        assert all(f"`{name}`" in section for name in names), package
    for method in ("quantize", "add_metric", "predict_classes"):
        assert f"`{method}`" in page.partition("### Methods")[2], method


def test_ways_to_import():
    (program,) = re.findall(r"```python\n(.*?)```", (DOCS / "from_keras.md").read_text(), flags=re.DOTALL)
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
