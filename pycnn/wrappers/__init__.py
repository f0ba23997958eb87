"""Keras' estimators for scikit-learn, which take a compiled model or a function that makes one.

`pycnn.sklearn` has estimators that make the network themselves. Both need scikit-learn:
`pip install 'pycnn[sklearn]'`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pycnn.wrappers.estimators import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(
            f"module 'pycnn.wrappers' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    try:
        importlib.import_module("sklearn")
    except ImportError as error:
        raise ImportError(
            "pycnn.wrappers needs scikit-learn 1.6 or newer: pip install 'pycnn[sklearn]'"
        ) from error
    return getattr(importlib.import_module("pycnn.wrappers.estimators"), name)


def __dir__() -> list[str]:
    return list(__all__)
