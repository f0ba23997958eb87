"""Paths of optimizers down a surface."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core.arguments import as_int
from pycnn.explain import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_START = (-4.0, 2.0)
_CURVATURE = np.array([0.1, 2.0])  # a long valley: f = 0.1 x^2 + 2 y^2
_COLUMNS = 5
_GIF_DPI = 60
# A rate at which each comes down in some dozens of steps.
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"learning_rate": 0.4}),
    "SGD, momentum": ("SGD", {"learning_rate": 0.1, "momentum": 0.8}),
    "SGD, Nesterov": ("SGD", {"learning_rate": 0.1, "momentum": 0.8, "nesterov": True}),
    "Adagrad": ("Adagrad", {"learning_rate": 0.8}),
    "Adadelta": ("Adadelta", {"learning_rate": 50.0}),
    "RMSprop": ("RMSprop", {"learning_rate": 0.15}),
    "Adam": ("Adam", {"learning_rate": 0.3}),
    "AdamW": ("AdamW", {"learning_rate": 0.3, "weight_decay": 0.05}),
    "Adamax": ("Adamax", {"learning_rate": 0.4}),
    "Nadam": ("Nadam", {"learning_rate": 0.3}),
    "Ftrl": ("Ftrl", {"learning_rate": 1.5}),
    "Lion": ("Lion", {"learning_rate": 0.15}),
    "Lamb": ("Lamb", {"learning_rate": 0.1}),
    "Adafactor": ("Adafactor", {"learning_rate": 0.3}),
    "Muon": ("Muon", {"learning_rate": 1.0, "momentum": 0.8}),
}


def optimizers(steps: int = 40) -> Figure:
    """Draws the path of every optimizer down the valley f(x, y) = 0.1 x^2 + 2 y^2.

    Args:
        steps: how many, from 1 to 1000.

    Returns:
        The figure: a panel for each optimizer with its rate, contours, the path and the last value of f.

    Raises:
        TypeError, ValueError: steps is no integer, or out of range.
        ImportError: matplotlib is missing.

    Example:
        >>> from pycnn import explain
        >>> explain.optimizers(steps=5).axes[0].get_title().split("\\n")[0]
        'SGD, rate 0.4'
    """
    figure, _ = _panels(_paths(steps))
    return figure


def animate_optimizers(path: str | os.PathLike[str], steps: int = 40) -> None:
    """Writes the same as a moving GIF picture, one frame a step.

    Args:
        path: ends in .gif.
        steps: how many, from 1 to 1000.

    Raises:
        ValueError, TypeError: another ending, or steps out of range.
        FileNotFoundError: there is no such folder.
        ImportError: matplotlib is missing.
    """
    style.check_output(path, ("gif",))
    paths = _paths(steps)
    figure, lines = _panels(paths)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.set_dpi(_GIF_DPI)
    canvas = FigureCanvasAgg(figure)
    for line in lines:
        line.set_animated(True)  # left out of the background, which is drawn once
    canvas.draw()  # type: ignore[no-untyped-call]
    background: Any = canvas.copy_from_bbox(figure.bbox)  # type: ignore[no-untyped-call]
    frames = []
    for count in range(1, steps + 2):
        canvas.restore_region(background)  # type: ignore[no-untyped-call]
        for line, points in zip(lines, paths.values(), strict=True):
            line.set_data(points[:count, 0], points[:count, 1])
            line.axes.draw_artist(line)
        pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]  # type: ignore[no-untyped-call]
        frames.append(Image.fromarray(pixels.copy()).quantize(64))

    def write(part: str) -> None:
        frames[0].save(part, format="GIF", save_all=True, append_images=frames[1:], duration=150, loop=0)

    style.write_beside(path, write)


def surface(points: NDArray[Any]) -> Any:
    """f of points (..., 2)."""
    return (np.asarray(points, np.float64) ** 2 * _CURVATURE).sum(axis=-1)


def path_of(name: str, arguments: dict[str, Any], steps: int) -> NDArray[np.float32]:
    """The points (steps + 1, 2) that an optimizer visits, from its class' name and arguments."""
    import pycnn as keras

    optimizer = getattr(keras.optimizers, name)(**arguments)
    # Muon steps its own way for matrices only; it takes Adam for what else there is.
    shape = (1, 2) if name == "Muon" else (2,)
    place = keras.Variable(np.array(_START, np.float32).reshape(shape))
    points = [np.array(place.numpy())]
    for _ in range(steps):
        gradient = (2 * _CURVATURE * points[-1]).astype(np.float32)
        optimizer.apply([gradient], [place])
        points.append(np.array(place.numpy()))
    return np.stack(points).reshape(-1, 2)


def _paths(steps: int) -> dict[str, NDArray[np.float32]]:
    if as_int("steps", steps, 1) > 1000:
        raise ValueError(f"steps is {steps}; expected at most 1000")
    return {title: path_of(name, arguments, steps) for title, (name, arguments) in SETTINGS.items()}


def _panels(paths: dict[str, NDArray[np.float32]]) -> tuple[Figure, list[Any]]:
    rows = -(-len(paths) // _COLUMNS)
    steps = len(next(iter(paths.values()))) - 1
    figure = style.new_figure(15, 3 * rows + 0.6, f"{steps} steps down f(x, y) = 0.1 x\u00b2 + 2 y\u00b2")
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    lines = []
    for axes, (title, points) in zip(panels.flat, paths.items(), strict=False):
        _contours(axes)
        lines += axes.plot(
            points[:, 0], points[:, 1], "o-", color=style.ORANGE, markersize=3.5, linewidth=1.3
        )
        axes.plot(*_START, "s", color="black", markersize=6)
        axes.plot(0, 0, "*", color=style.GREEN, markersize=13, zorder=1.5)
        rate = SETTINGS[title][1]["learning_rate"]
        axes.set_title(f"{title}, rate {rate:g}\nlast f = {surface(points[-1]):.2g}", fontsize=11)
    for axes in panels.flat[len(paths) :]:
        axes.set_axis_off()
    for axes in panels[-1]:
        axes.set_xlabel("x", fontsize=11)
    for axes in panels[:, 0]:
        axes.set_ylabel("y", fontsize=11)
    return figure, lines


def _contours(axes: Axes) -> None:
    x, y = np.meshgrid(np.linspace(-5, 3, 80), np.linspace(-3, 3, 60))
    f = surface(np.stack([x, y], axis=-1))
    axes.contourf(x, y, f, levels=np.linspace(0, 4.5, 13) ** 2, cmap="Blues", alpha=0.7)
    axes.set_xlim(-5, 3)
    axes.set_ylim(-3, 3)
