"""pycnn: convolutional networks on ordinary CPUs, with Keras' interface.

    import pycnn as keras
    (x, y), (xt, yt) = keras.datasets.fashion_mnist.load_data()

`from pycnn import keras` and `import pycnn as tf` work as well: `tf.keras.layers`, `tf.nn.relu`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pycnn.core import loading as _loading  # noqa: F401  (first: it loads the extension)

# isort: split
from pycnn import (
    activations,
    callbacks,
    config,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
)
from pycnn._version import __version__
from pycnn.config import show_config
from pycnn.core.policy import DTypePolicy
from pycnn.core.symbolic import KerasTensor
from pycnn.core.tape import GradientTape
from pycnn.core.tensor import constant
from pycnn.core.user_variable import Variable
from pycnn.initializers import Initializer
from pycnn.layers import Input, InputSpec, Layer
from pycnn.losses import Loss
from pycnn.metrics import Metric
from pycnn.models import Model, Sequential
from pycnn.optimizers import Optimizer
from pycnn.regularizers import Regularizer

if TYPE_CHECKING:
    from pycnn import (
        applications,
        backend,
        data,
        datasets,
        filters,
        keras,
        mixed_precision,
        nn,
        ops,
        preprocessing,
        random,
        saving,
        utils,
    )

_LAZY = (
    "applications",
    "backend",
    "data",
    "datasets",
    "filters",
    "keras",
    "mixed_precision",
    "nn",
    "ops",
    "preprocessing",
    "random",
    "saving",
    "utils",
)

__all__ = [
    "DTypePolicy",
    "GradientTape",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "applications",
    "backend",
    "callbacks",
    "config",
    "constant",
    "constraints",
    "data",
    "datasets",
    "filters",
    "initializers",
    "keras",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "nn",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "show_config",
    "utils",
    "version",
]


def version() -> str:
    """The version of pycnn."""
    return __version__


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"pycnn.{name}")
    raise AttributeError(f"module 'pycnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
