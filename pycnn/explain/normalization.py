"""Data before and after normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.explain import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def normalization(data: Any = None) -> Figure:
    """Draws points with two features: as they are, centred, standardized, and whitened.

    Args:
        data: (n, 2), at least 3 points that vary in both directions; None for points of a fixed seed.

    Returns:
        The figure with four panels of the same scale.

    Raises:
        ValueError: other data.
        ImportError: matplotlib is missing.

    Example:
        >>> from pycnn import explain
        >>> len(explain.normalization([[0, 1], [2, 0], [3, 5]]).axes)
        4
    """
    x = _points() if data is None else np.asarray(data, np.float64)
    if x.ndim != 2 or x.shape[1] != 2 or len(x) < 3 or not np.isfinite(x).all():
        raise ValueError(f"data has shape {x.shape}; expected at least 3 finite points (n, 2)")
    panels = stages(x)
    figure = style.new_figure(14, 4.2, "Two features before and after normalization")
    reach = 1.1 * max(np.abs(points).max() for points in panels.values())
    for axes, (title, points) in zip(figure.subplots(1, 4), panels.items(), strict=True):
        axes.axhline(0, color=style.GREY, linewidth=0.8)
        axes.axvline(0, color=style.GREY, linewidth=0.8)
        axes.scatter(points[:, 0], points[:, 1], s=12, color=style.BLUE, alpha=0.6, linewidths=0)
        mean, deviation = points.mean(axis=0) + 0.0, points.std(axis=0)
        told = [f"{abs(a) if abs(a) < 0.005 else a:.2f}".replace("-", "\u2212") for a in (*mean, *deviation)]
        axes.set_title(f"{title}\nmeans {told[0]}, {told[1]}\ndeviations {told[2]}, {told[3]}", fontsize=11)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
        axes.set_aspect("equal")
        axes.set_xlabel("feature 1", fontsize=11)
        axes.set_ylabel("feature 2", fontsize=11)
    return figure


def stages(x: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The data after each step; the standardization is that of `layers.Normalization`."""
    from pycnn import layers

    centred = x - x.mean(axis=0)
    layer = layers.Normalization()
    layer.adapt(x.astype(np.float32))
    standardized = np.asarray(layer(x.astype(np.float32)), np.float64)
    variances, directions = np.linalg.eigh(np.cov(centred.T, bias=True))
    if not variances.min() > 1e-9 * variances.max():
        raise ValueError("data lies on a line or a point; expected points that vary in both directions")
    return {
        "original": x,
        "centred: minus the mean": centred,
        "standardized: / deviation": standardized,
        "whitened: not correlated": centred @ directions / np.sqrt(variances),
    }


def _points() -> NDArray[np.float64]:
    drawn = np.random.default_rng(4).standard_normal((300, 2))
    points: NDArray[np.float64] = drawn @ np.array([[2.2, 0.9], [0.0, 0.5]]) + (3.5, 2.0)
    return points
