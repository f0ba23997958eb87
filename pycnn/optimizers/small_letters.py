"""Names of classes in programs for Keras 2: `keras.optimizers.adam(lr=0.001)`."""

from pycnn.optimizers.adaptive_moments import Adam, Adamax, Nadam
from pycnn.optimizers.adaptive_rates import Adadelta, Adagrad
from pycnn.optimizers.gradient_descent import SGD
from pycnn.optimizers.root_mean_square import RMSprop

sgd, rmsprop, adagrad, adadelta, adam, adamax, nadam = SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam
