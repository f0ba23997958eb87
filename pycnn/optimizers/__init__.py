"""Optimizers, with Keras' names, defaults and formulas. The C++ core does the steps; these say which.

g is the gradient, a the learning rate, t the number of the step, counted from 1. With `weight_decay` every
step begins with w -= a * weight_decay * w, for all weights (decoupled: Loshchilov & Hutter 2019).
"""

from pycnn.core.aliases import old_name
from pycnn.optimizers import schedules
from pycnn.optimizers.adam import Adam, AdamW
from pycnn.optimizers.base import Optimizer
from pycnn.optimizers.registry import deserialize, get, serialize
from pycnn.optimizers.rmsprop import RMSprop
from pycnn.optimizers.sgd import SGD

__getattr__ = old_name(__name__)

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "deserialize", "get", "schedules", "serialize"]
