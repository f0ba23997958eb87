"""What training on a folder of pictures ends with: accuracy, confusion matrix, wrong pictures, the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pycnn.cli.output import write_json, write_picture
from pycnn.preprocessing.image.contact_sheet import sheet_of

if TYPE_CHECKING:
    from rich.console import Console

    from pycnn.cli.folder.files import Files
    from pycnn.cli.folder.learning import Data, Phase
    from pycnn.models import Model

    Counts = np.typing.NDArray[np.int64]

__all__ = ["finish"]

_WIDEST = 10  # classes, for a matrix on a terminal
_CONFUSIONS = 12  # pairs of classes that are listed where there are more
_COLUMNS = 10  # of the sheet


def finish(
    console: Console, folder: Path, model: Model, data: Data, phases: dict[str, Phase],
    settings: dict[str, Any],
) -> int:  # fmt: skip
    """Tests the model, prints and writes all that there is, and returns the exit status."""
    from pycnn import _core

    test = data.test.files
    probabilities = np.asarray(model.predict(data.test.pixels, batch_size=256, verbose=0))
    predicted = probabilities.argmax(axis=1)
    count = len(data.names)
    matrix = np.bincount(test.labels * count + predicted, minlength=count * count).reshape(count, count)
    accuracy = float(np.trace(matrix) / matrix.sum())
    console.print(f"test accuracy: [bold]{accuracy:.2%}[/], {np.trace(matrix)} of {matrix.sum()} pictures")
    console.print(_matrix(matrix, data.names) if count <= _WIDEST else _confusions(matrix, data.names))
    wrong = _wrong(test, predicted, probabilities)
    model.class_names = data.names
    model.save(folder / "model.safetensors")
    written = ["model.safetensors", "report.json"]
    finished = all(phase.finished for phase in phases.values())
    config = _core.config()
    write_json(
        folder / "report.json",
        {
            "settings": settings,
            "version": config["version"],
            "threads": config["threads"],
            "classes": data.names,
            "pictures": {"training": len(data.training.pixels), "test": len(data.test.pixels)},
            "finished": finished,
            "test_accuracy": accuracy,
            "confusion": matrix.tolist(),
            "wrong": [
                {"path": test.paths[i], "class": data.names[test.labels[i]],
                 "predicted": data.names[predicted[i]],
                 "probability": round(float(probabilities[i, predicted[i]]), 6)}
                for i in wrong
            ],
            "left_out": [{"path": one.path, "reason": one.reason} for one in data.broken],
            "history": {name: phase.history for name, phase in phases.items()},
        },
    )  # fmt: skip
    if wrong:
        write_picture(folder / "wrong.png", sheet_of(_rows(wrong, test, predicted, data.names), _COLUMNS))
        written.append("wrong.png")
    else:
        (folder / "wrong.png").unlink(missing_ok=True)  # of a run before
    written += _curve(console, folder, phases)
    console.print(f"written to {escape(str(folder))}: {', '.join(written)}")
    return 0 if finished else 130


def _wrong(test: Files, predicted: Counts, probabilities: Any) -> list[int]:
    """The wrong ones, the surest first."""
    rows = np.flatnonzero(predicted != test.labels)
    ordered: list[int] = rows[np.argsort(-probabilities[rows, predicted[rows]], kind="stable")].tolist()
    return ordered


def _rows(wrong: list[int], test: Files, predicted: Counts, names: list[str]) -> list[tuple[str, list[str]]]:
    """Rows of the sheet: for each pair of classes, the most frequent first."""
    pairs: dict[tuple[int, int], list[str]] = {}
    for i in wrong:
        pairs.setdefault((int(test.labels[i]), int(predicted[i])), []).append(test.paths[i])
    ordered = sorted(pairs.items(), key=lambda item: -len(item[1]))
    return [(f"{names[a]} taken for {names[b]}: {len(paths)}", paths) for (a, b), paths in ordered]


def _matrix(matrix: Counts, names: list[str]) -> Table:
    table = Table(title="true classes down, predicted ones across", title_justify="left", title_style="")
    table.add_column("")
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    table.add_column("right", justify="right")
    for i, name in enumerate(names):
        cells = [Text(str(n) if n else ".", "bold" if i == j else "red" if n else "dim")
                 for j, n in enumerate(matrix[i].tolist())]  # fmt: skip
        table.add_row(Text(name), *cells, _share(matrix, i))
    return table


def _confusions(matrix: Counts, names: list[str]) -> Table:
    """The pairs of classes that are confused most; all are in report.json."""
    table = Table(title="most frequent confusions", title_justify="left", title_style="")
    for name in ("class", "taken for", "pictures", "right of the class"):
        table.add_column(name, justify="left" if name in ("class", "taken for") else "right")
    off = matrix - np.diag(np.diag(matrix))
    for place in np.argsort(-off, axis=None, kind="stable")[:_CONFUSIONS].tolist():
        i, j = divmod(place, len(names))
        if off[i, j]:
            table.add_row(Text(names[i]), Text(names[j]), str(off[i, j]), _share(matrix, i))
    return table


def _share(matrix: Counts, i: int) -> str:
    total = int(matrix[i].sum())
    return f"{matrix[i, i] / total:.1%}" if total else "-"


def _curve(console: Console, folder: Path, phases: dict[str, Phase]) -> list[str]:
    """Draws the epochs of all phases, where that is possible; returns the names of files."""
    history: dict[str, list[float]] = {}
    for phase in phases.values():
        for name, values in phase.history.items():
            history.setdefault(name, []).extend(values)
    if not history.get("loss"):
        return []
    try:
        from pycnn.cli import figures
    except ImportError:
        console.print("no learning curve: matplotlib is not installed (pip install 'pycnn\\[plot]')")
        return []
    figures.learning_curve(folder / "curve.png", history)
    return ["curve.png"]
