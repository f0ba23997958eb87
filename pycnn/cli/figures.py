"""The pictures of `pycnn train`, by matplotlib without a window and without its global state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pycnn.datasets.fashion_mnist import class_names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SHOWN", "learning_curve", "predictions"]

COLUMNS, ROWS = 10, 6
SHOWN = COLUMNS * ROWS
_BLUE, _ORANGE, _RED = "#1f77b4", "#e07b00", "#c1121f"


def learning_curve(path: Path, history: dict[str, list[float]]) -> None:
    """Draws loss and accuracy of training and test images over the epochs.

    Args:
        path: the PNG file to write.
        history: lists with the keys loss, val_loss, accuracy and val_accuracy, one number per epoch.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = range(1, len(history["loss"]) + 1)
    for place, key, title in ((1, "loss", "Cross-entropy"), (2, "accuracy", "Accuracy")):
        axes = figure.add_subplot(1, 2, place)
        axes.plot(epochs, history[key], "o-", color=_BLUE, markersize=4, label="training")
        axes.plot(epochs, history[f"val_{key}"], "o-", color=_ORANGE, markersize=4, label="test")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    _save(figure, path)


def predictions(
    path: Path,
    images: NDArray[np.float32],
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.float32],
) -> None:
    """Draws a grid of images under their predicted classes; wrong ones are red and name the true class.

    Args:
        path: the PNG file to write.
        images: (n, 28, 28, 1) from 0 to 1; at most the first `SHOWN` are drawn.
        labels: (n,) true classes.
        probabilities: (n, 10) of the classes.
    """
    count = min(len(images), SHOWN)
    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(COLUMNS * 1.25, rows * 1.6 + 0.5), layout="constrained")
    predicted = probabilities.argmax(axis=1)
    right = int((predicted[:count] == labels[:count]).sum())
    figure.suptitle(f"The first {count} test images: {right} right, {count - right} wrong", fontsize=11)
    for i in range(count):
        axes = figure.add_subplot(rows, COLUMNS, i + 1)
        axes.imshow(images[i, :, :, 0], cmap="gray_r", vmin=0, vmax=1)
        axes.set_xticks([])
        axes.set_yticks([])
        wrong = predicted[i] != labels[i]
        title = class_names[predicted[i]] + (f"\n({class_names[labels[i]]})" if wrong else "\n")
        axes.set_title(title, fontsize=7.5, color=_RED if wrong else "black")
        for spine in axes.spines.values():
            spine.set_color(_RED if wrong else "#bbbbbb")
            spine.set_linewidth(2.0 if wrong else 0.8)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    part = path.with_name(f".{path.name}.part")
    figure.savefig(part, dpi=110, format="png")
    part.replace(path)
