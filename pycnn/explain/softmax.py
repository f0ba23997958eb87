"""Softmax of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import ops
from pycnn.explain import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOGITS = (2.0, 1.0, 0.1, -1.0, 3.2)


def softmax(logits: Any = _LOGITS) -> Figure:
    """Draws logits, their exponentials and the probabilities.

    Args:
        logits: (classes,), 2 to 20 finite numbers.

    Returns:
        The figure with three panels of bars.

    Raises:
        ValueError, TypeError: other logits.
        ImportError: matplotlib is missing.

    Example:
        >>> from pycnn import explain
        >>> [f"{bar.get_height():.3f}" for bar in explain.softmax([0, 1]).axes[2].patches]
        ['0.269', '0.731']
    """
    z = np.asarray(logits, np.float32)
    if z.ndim != 1 or not 2 <= len(z) <= 20 or not np.isfinite(z).all():
        raise ValueError(f"logits are {logits!r:.80}; expected 2 to 20 finite numbers")
    shifted = z - z.max()
    steps = (
        (z, "logits z", "logit", style.BLUE),
        (np.exp(shifted), "exp(z \u2212 largest z)", "exponential", style.ORANGE),
        (np.asarray(ops.softmax(z[None]))[0], "softmax: divided by the sum", "probability", style.GREEN),
    )
    figure = style.new_figure(max(10.0, 2.1 * len(z)), 4, "From logits to probabilities")
    for axes, (values, title, label, colour) in zip(figure.subplots(1, 3), steps, strict=True):
        bars = axes.bar(range(len(z)), values, color=colour)
        axes.bar_label(
            bars, [f"{value:.3g}".replace("-", "\u2212") for value in values], fontsize=10, padding=2
        )
        axes.axhline(0, color="black", linewidth=0.8)
        axes.margins(y=0.15)
        axes.set_title(title, fontsize=12)
        axes.set_xlabel("class", fontsize=11)
        axes.set_ylabel(label, fontsize=11)
        axes.set_xticks(range(len(z)))
    return figure
