"""Pictures of models, by matplotlib without a window and without its global state."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from pycnn.core.outline import Box, outline
from pycnn.utils.layout import laid_out

_FORMATS = ("png", "svg", "pdf", "jpg", "jpeg")
# Inches.
_CHARACTER, _LINE, _MARGIN, _GAP = 0.083, 0.18, 0.1, 0.3
_FONT_SIZE = 9
_MOST_PIXELS = 2**16  # along a side, which is as much as matplotlib draws


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """Draws a model: a box for each layer, an arrow for what goes from one to the next. Needs matplotlib.

    Args:
        model: that is built.
        to_file: the picture, ending in .png, .svg, .pdf or .jpg.
        show_shapes: whether boxes tell the shapes of inputs and outputs.
        show_dtype: whether they tell the type of the outputs.
        show_layer_names: whether they tell the names of layers.
        rankdir: 'TB' from top to bottom, 'LR' from left to right.
        expand_nested: whether models inside are drawn by their layers, with the model's name above each.
        dpi: dots in an inch.
        show_layer_activations: whether they tell activations.
        show_trainable: whether they tell which layers train.
        splines: has no effect: it is for Graphviz.

    Returns:
        The picture in a notebook, else None.

    Raises:
        ImportError: if matplotlib is not installed.
        FileNotFoundError: if the picture's folder is not there.
        ValueError: if an argument is wrong, or the model is not built.

    Example:
        >>> import pycnn as keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        >>> keras.utils.plot_model(model, "model.png", show_shapes=True)  # doctest: +SKIP
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError("plot_model needs matplotlib: pip install 'pycnn[plot]'")
    path = Path(to_file)
    ending = path.suffix.lower().removeprefix(".")
    if ending not in _FORMATS:
        raise ValueError(
            f"`to_file` is {os.fspath(to_file)!r}; expected a name with one of {', '.join(_FORMATS)}"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"`to_file`: there is no folder {path.parent}")
    if rankdir not in ("TB", "LR"):
        raise ValueError(f"`rankdir` is {rankdir!r}; expected 'TB' or 'LR'")
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the "
            "model on a batch of data."
        )
    boxes = outline(model, bool(expand_nested))
    texts = [
        _lines(box, show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
        for box in boxes
    ]
    _draw(boxes, texts, path, ending, rankdir == "LR", dpi)
    if "IPython" in sys.modules and ending in ("png", "jpg", "jpeg"):
        from IPython.display import Image  # type: ignore[import-not-found]

        return Image(filename=str(path))
    return None


def _lines(box: Box, shapes: bool, dtype: bool, names: bool, activations: bool, trainable: bool) -> list[str]:
    """What stands in a box."""
    layer = box.operation
    activation = getattr(layer, "activation", None)
    lines = [f"{box.name} ({box.kind})" if names else box.kind]
    if box.inside:
        lines.insert(0, f"{box.inside}:")
    if activations and activation is not None:
        lines.append(f"activation: {getattr(activation, '__name__', activation)}")
    if shapes:
        for what, found in (("input", box.input_shapes), ("output", box.output_shapes)):
            unique = list(dict.fromkeys(map(str, found)))
            lines += [f"{what}: {', '.join(unique)}"] if unique else []
    if dtype:
        lines.append(f"dtype: {getattr(layer, 'compute_dtype', None) or getattr(layer, 'dtype', 'float32')}")
    if trainable and getattr(layer, "weights", None):
        lines.append("trainable" if layer.trainable else "not trainable")
    return lines


def _draw(
    boxes: list[Box], texts: list[list[str]], path: Path, ending: str, sideways: bool, dpi: int
) -> None:
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, Rectangle
    from matplotlib.path import Path as Line

    widths = [max(map(len, lines)) * _CHARACTER + 2 * _MARGIN for lines in texts]
    heights = [len(lines) * _LINE + 2 * _MARGIN for lines in texts]
    along, across = (heights, widths) if sideways else (widths, heights)
    layout = laid_out([box.origins for box in boxes], along, _GAP)
    rows = max(layout.rows, default=-1) + 1
    depths = [max(across[i] for i, row in enumerate(layout.rows) if row == level) for level in range(rows)]
    starts = [sum(depths[:level]) + _GAP * level for level in range(rows)]
    length, width = sum(depths) + _GAP * max(rows - 1, 0), layout.width

    def point(centre: float, distance: float) -> tuple[float, float]:
        """From the layout to the picture, whose y axis goes up."""
        return (distance, width - centre) if sideways else (centre, length - distance)

    size = (length, width) if sideways else (width, length)
    dpi = min(dpi, int(_MOST_PIXELS / (max(size) + 2 * _GAP)))
    figure = Figure(figsize=(size[0] + 2 * _GAP, size[1] + 2 * _GAP), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(-_GAP, size[0] + _GAP)
    axes.set_ylim(-_GAP, size[1] + _GAP)
    axes.axis("off")
    middles = [starts[row] + depths[row] / 2 for row in layout.rows]
    for i, lines in enumerate(texts):
        x, y = point(layout.centres[i], middles[i])
        colour = "#fdf3e4" if boxes[i].inside else "#eef3fa"
        corner = (x - widths[i] / 2, y - heights[i] / 2)
        axes.add_patch(Rectangle(corner, widths[i], heights[i], facecolor=colour, edgecolor="#30507a"))
        axes.text(x, y, "\n".join(lines), ha="center", va="center", fontsize=_FONT_SIZE, color="#102030")
    for origin, box, points in layout.paths:
        corners = [point(layout.centres[origin], middles[origin] + across[origin] / 2)]
        for centre, row in points:
            corners += [point(centre, starts[row]), point(centre, starts[row] + depths[row])]
        corners.append(point(layout.centres[box], middles[box] - across[box] / 2))
        line = Line(corners)
        axes.add_patch(
            FancyArrowPatch(path=line, arrowstyle="-|>", mutation_scale=9, color="#30507a", linewidth=0.9)
        )
    figure.savefig(path, format=ending, dpi=dpi)
