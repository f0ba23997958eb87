"""`pycnn check`: looks through a folder of pictures before training."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pycnn.cli.output import write_picture

if TYPE_CHECKING:
    from rich.console import Console

    from pycnn.preprocessing.image.checking import FolderReport

__all__ = ["DESCRIPTION", "EPILOG", "SUMMARY", "add_arguments", "run"]

SUMMARY = "look through a folder of pictures before training"
DESCRIPTION = """\
Reads all pictures of a folder that has a folder for each class, and prints how many there are, their sizes
and modes, which are copies of others, and which cannot be read."""
EPILOG = """\
Pictures are copies of each other where all their pixels are the same, whatever their files are.

examples:
  pycnn check photos
  pycnn check photos --sheet sheet.png
  pycnn check photos --json
"""
_LINES = 12  # of a list before it is cut


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="folder with a folder for each class")
    add("--sheet", type=Path, metavar="FILE", help="write a contact sheet, PNG or JPEG")
    add("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Reads and prints, and returns the exit status."""
    from pycnn.preprocessing.image import check_folder, contact_sheet

    if not arguments.folder.is_dir():
        raise FileNotFoundError(f"there is no folder {arguments.folder}")
    if arguments.sheet is not None:
        _check_sheet(arguments.sheet)
    report = check_folder(arguments.folder)
    if arguments.json:
        print(json.dumps(_as_json(report), indent=1))
    else:
        from rich.console import Console

        _print(report, Console(soft_wrap=True))
    if arguments.sheet is not None:
        sheet = contact_sheet(report)
        write_picture(arguments.sheet, sheet)
        if not arguments.json:
            print(f"contact sheet: {arguments.sheet}")
    return 0


def _check_sheet(path: Path) -> None:
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ValueError(f"--sheet {path}: expected a name that ends in .png or .jpg")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"--sheet {path}: there is no folder {path.parent}")


def _print(report: FolderReport, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    total = len(report.pictures)
    classes = Table(title=Text(f"{report.directory}: {total} pictures, {len(report.labels)} classes"))
    for name in ("class", "pictures", "share", ""):
        classes.add_column(name, justify="right" if name in ("pictures", "share") else "left")
    largest = max(report.counts.values(), default=0)
    for label, count in report.counts.items():
        bar = "\u2588" * round(20 * count / max(largest, 1))
        classes.add_row(
            Text(label or "(beside the folders)"), str(count), f"{count / max(total, 1):.1%}", bar
        )
    console.print(classes)
    facts = Table(show_header=False)
    facts.add_row("sizes", Text(_listed({f"{w} x {h}": n for (h, w), n in report.sizes.items()})))
    facts.add_row("modes", Text(_listed(report.modes)))
    facts.add_row("other files", Text(_listed({k or "(no ending)": n for k, n in report.others.items()})))
    facts.add_row("copies", Text(_cut([" = ".join(p.path for p in group) for group in report.duplicates])))
    facts.add_row("broken", Text(_cut([f"{one.path}: {one.reason}" for one in report.broken])))
    console.print(facts)
    remarks = report.remarks()
    console.print(Text("\n".join(f"! {remark}" for remark in remarks) or "nothing to remark"))


def _listed(counts: dict[str, int]) -> str:
    return _cut([f"{name}: {count}" for name, count in counts.items()])


def _cut(lines: list[str]) -> str:
    more = [f"and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
    return "\n".join([*lines[:_LINES], *more]) or "none"


def _as_json(report: FolderReport) -> dict[str, object]:
    return {
        "folder": report.directory,
        "pictures": len(report.pictures),
        "classes": report.counts,
        "sizes": [{"height": h, "width": w, "pictures": n} for (h, w), n in report.sizes.items()],
        "modes": report.modes,
        "others": report.others,
        "copies": [[picture.path for picture in group] for group in report.duplicates],
        "broken": [{"path": one.path, "reason": one.reason} for one in report.broken],
        "remarks": report.remarks(),
    }
