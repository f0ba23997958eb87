"""Optimizers, with Keras' names, defaults and formulas.

The C++ core does the steps of those whose formula looks at one value at a time; Lamb, Adafactor and Muon,
which look at whole weights, are computed with NumPy, as are optimizers of one's own (see `Optimizer`).

g is the gradient, a the learning rate, t the number of the step, counted from 1. With `weight_decay` every
step begins with w -= a * weight_decay * w, for all weights (decoupled: Loshchilov & Hutter 2019) but those of
`exclude_from_weight_decay`.
"""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from
from pycnn.core.registry import add_package

if TYPE_CHECKING:
    from pycnn.optimizers import legacy, schedules
    from pycnn.optimizers.adafactor import Adafactor
    from pycnn.optimizers.adaptive_moments import Adam, Adamax, AdamW, Nadam
    from pycnn.optimizers.adaptive_rates import Adadelta, Adagrad
    from pycnn.optimizers.base import Optimizer
    from pycnn.optimizers.ftrl import Ftrl
    from pycnn.optimizers.gradient_descent import SGD
    from pycnn.optimizers.lamb import Lamb
    from pycnn.optimizers.lion import Lion
    from pycnn.optimizers.muon import Muon
    from pycnn.optimizers.registry import deserialize, get, serialize
    from pycnn.optimizers.root_mean_square import RMSprop

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
]

_MODULES = (
    "adaptive_moments",
    "gradient_descent",
    "root_mean_square",
    "adaptive_rates",
    "adafactor",
    "base",
    "ftrl",
    "lamb",
    "lion",
    "muon",
    "registry",
    "small_letters",
)
_SMALL_LETTERS = ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax", "nadam")

__getattr__, __dir__ = names_from(
    __name__,
    [*__all__, *_SMALL_LETTERS],
    _MODULES,
    submodules=("legacy", "schedules"),
)

add_package(__name__)
