"""Optimizers under the names of old programs: those of today, with today's formulas."""

from pycnn.optimizers.adaptive_moments import Adam
from pycnn.optimizers.adaptive_rates import Adagrad
from pycnn.optimizers.base import Optimizer
from pycnn.optimizers.ftrl import Ftrl
from pycnn.optimizers.gradient_descent import SGD
from pycnn.optimizers.root_mean_square import RMSprop

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]
