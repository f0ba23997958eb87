"""Writes what is refused into docs/from_keras.md, from the tables that refuse it.

python docs/refused.py           after a change of these tables
python docs/refused.py --check   exit status 1 where the page is not up to date
"""

import sys
from pathlib import Path

from pycnn.core.refusal import refused_methods
from pycnn.core.refused_names import REFUSED
from pycnn.layers import Layer
from pycnn.models import Model

PAGE = Path(__file__).with_name("from_keras.md")
BEGIN, END = "<!-- refused:begin -->\n", "<!-- refused:end -->"


def tables():
    """The tables in Markdown: packages, then methods."""
    of_layers = refused_methods(Layer)
    of_models = {name: advice for name, advice in refused_methods(Model).items() if name not in of_layers}
    groups = {**REFUSED, "Methods of layers and models": of_layers, "Methods of models": of_models}
    return "\n".join(table(title, names) for title, names in groups.items())


def table(title, names):
    """One table: names that have their advice in common share a row."""
    rows = {}
    for name, advice in sorted(names.items(), key=lambda item: item[0].lower()):
        rows.setdefault(advice, []).append(f"`{name}`")
    lines = [f"| {', '.join(refused)} | {advice} |" for advice, refused in rows.items()]
    heading = title if " " in title else f"`{title}`"
    return "\n".join([f"### {heading}", "", "| not there | instead |", "|---|---|", *lines, ""])


def updated(page):
    """The page with today's tables."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}"


def main():
    """See above."""
    old = PAGE.read_text()
    new = updated(old)
    if "--check" not in sys.argv:
        PAGE.write_text(new)
    return int("--check" in sys.argv and old != new)


if __name__ == "__main__":
    sys.exit(main())
