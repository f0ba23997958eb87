"""pycnn: convolutional networks on ordinary CPUs, with Keras' interface.

    import pycnn as keras
    (x, y), (xt, yt) = keras.datasets.fashion_mnist.load_data()

`from pycnn import keras` and `import pycnn as tf` work as well: `tf.keras.layers`, `tf.nn.relu`.
"""

from typing import TYPE_CHECKING

from pycnn.core import loading as _loading  # noqa: F401  (first: it loads the extension)

# isort: split
# These tell `core.registry` what they have. Their modules are imported when they are used.
from pycnn import (
    activations,
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
from pycnn.core.lazy import names_from

if TYPE_CHECKING:
    from pycnn import (
        applications,
        backend,
        callbacks,
        config,
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
        wrappers,
    )
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
    "wrappers",
]

_MODULES = {
    "DTypePolicy": "pycnn.core.policy",
    "GradientTape": "pycnn.core.tape",
    "Initializer": "pycnn.initializers",
    "Input": "pycnn.layers",
    "InputSpec": "pycnn.layers",
    "KerasTensor": "pycnn.core.symbolic",
    "Layer": "pycnn.layers",
    "Loss": "pycnn.losses",
    "Metric": "pycnn.metrics",
    "Model": "pycnn.models",
    "Optimizer": "pycnn.optimizers",
    "Regularizer": "pycnn.regularizers",
    "Sequential": "pycnn.models",
    "Variable": "pycnn.core.user_variable",
    "constant": "pycnn.core.tensor",
    "show_config": "pycnn.config",
}
_SUBMODULES = (
    "applications",
    "backend",
    "callbacks",
    "config",
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
    "wrappers",
)


def version() -> str:
    """The version of pycnn."""
    return __version__


__getattr__, __dir__ = names_from(__name__, __all__, _MODULES, _SUBMODULES)
