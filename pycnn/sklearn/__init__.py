"""Networks as estimators of scikit-learn: for its pipelines, searches and cross-validations.

Needs scikit-learn: `pip install 'pycnn[sklearn]'`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pycnn.sklearn.estimators import CNNClassifier, CNNRegressor

__all__ = ["CNNClassifier", "CNNRegressor"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'pycnn.sklearn' has no attribute {name!r}; it has {', '.join(__all__)}")
    try:
        importlib.import_module("sklearn")
    except ImportError as error:
        raise ImportError(
            "pycnn.sklearn needs scikit-learn 1.6 or newer: pip install 'pycnn[sklearn]'"
        ) from error
    return getattr(importlib.import_module("pycnn.sklearn.estimators"), name)


def __dir__() -> list[str]:
    return list(__all__)
