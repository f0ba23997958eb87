"""Figures that explain convolutional networks with numbers that pycnn computes. Needs matplotlib.

Each function returns a matplotlib figure; `save` writes it. `TOPICS` has all of them by name.

Example:
    >>> from pycnn import explain
    >>> figure = explain.softmax([1.0, 2.0, 4.0])
    >>> [axes.get_title() for axes in figure.axes][-1]
    'softmax: divided by the sum'
"""

from pycnn.explain.activations import activations
from pycnn.explain.augmentation import augmentation
from pycnn.explain.feature_maps import feature_maps
from pycnn.explain.kernel import kernel
from pycnn.explain.normalization import normalization
from pycnn.explain.optimizers import animate_optimizers, optimizers
from pycnn.explain.padding import padding
from pycnn.explain.pooling import pooling
from pycnn.explain.softmax import softmax
from pycnn.explain.style import save
from pycnn.explain.topics import TOPICS

__all__ = [
    "TOPICS",
    "activations",
    "animate_optimizers",
    "augmentation",
    "feature_maps",
    "kernel",
    "normalization",
    "optimizers",
    "padding",
    "pooling",
    "save",
    "softmax",
]
