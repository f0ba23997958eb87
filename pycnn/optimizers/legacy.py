"""Optimizers under the names of old programs: those of today, with today's formulas."""

from pycnn.optimizers.adagrad import Adagrad
from pycnn.optimizers.adam import Adam
from pycnn.optimizers.base import Optimizer
from pycnn.optimizers.ftrl import Ftrl
from pycnn.optimizers.rmsprop import RMSprop
from pycnn.optimizers.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]
