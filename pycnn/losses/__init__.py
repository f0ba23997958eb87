"""Losses, with Keras' names and formulas. Networks compute them in the C++ core.

Cross-entropies of probabilities normalise them, then clip to [1e-7, 1 - 1e-7]. The functions give the loss of
each sample, a float32 array of y_pred's shape without its last axis, and raise as the classes do. They take
symbols and what a GradientTape records, too.

Example:
    >>> import pycnn as keras
    >>> keras.losses.mean_squared_error([[1, 2], [0, 0]], [[2, 4], [0, 0]])
    array([2.5, 0. ], dtype=float32)
"""

from typing import TYPE_CHECKING

from pycnn.core.lazy import names_from
from pycnn.core.registry import add_package

if TYPE_CHECKING:
    from pycnn.losses.base import Loss
    from pycnn.losses.crossentropy import (
        BinaryCrossentropy,
        BinaryFocalCrossentropy,
        CategoricalCrossentropy,
        CategoricalFocalCrossentropy,
        SparseCategoricalCrossentropy,
        bce,
        binary_crossentropy,
        binary_focal_crossentropy,
        categorical_crossentropy,
        categorical_focal_crossentropy,
        sparse_categorical_crossentropy,
    )
    from pycnn.losses.distributions import (
        CategoricalGeneralizedCrossEntropy,
        Dice,
        KLDivergence,
        Poisson,
        Tversky,
        categorical_generalized_cross_entropy,
        dice,
        kl_divergence,
        kld,
        poisson,
        tversky,
    )
    from pycnn.losses.margins import (
        CategoricalHinge,
        Hinge,
        SquaredHinge,
        categorical_hinge,
        hinge,
        squared_hinge,
    )
    from pycnn.losses.registry import deserialize, get, serialize
    from pycnn.losses.regression import (
        CosineSimilarity,
        Huber,
        LogCosh,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredError,
        MeanSquaredLogarithmicError,
        cosine_similarity,
        huber,
        log_cosh,
        mae,
        mape,
        mean_absolute_error,
        mean_absolute_percentage_error,
        mean_squared_error,
        mean_squared_logarithmic_error,
        mse,
        msle,
    )
    from pycnn.losses.similarity import (
        Circle,
        circle,
    )


__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "bce",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "kld",
    "log_cosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

_MODULES = ("base", "crossentropy", "regression", "distributions", "margins", "similarity", "registry")

__getattr__, __dir__ = names_from(__name__, __all__, _MODULES)

add_package(__name__)
